"""A disk that has no room for one byte more: writing fails as it really does, once the bytes are to be made durable."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from shared.kit import files


class FullDisk:
    """While it is full, nothing that is written to it stays."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def fill(self) -> None:
        def refuse(_handle: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        self._patch.setattr(os, "fsync", refuse)

    def clear(self) -> None:
        self._patch.undo()

    @staticmethod
    def kept() -> set[Path]:
        """What lies in the folder of files, half written or whole."""
        root = files.get_store().root
        return {each for each in root.rglob("*") if each.is_file() and each.name != ".lock"}
