"""Stored files: bytes on disk by their SHA-256, outside the web root, written once, never changed, and gone when no row needs them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.kit.errors import NotFound

_FORBIDDEN = set('\\/:*?"<>|')
MAXIMUM_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Where a file's bytes are: their digest and size."""

    sha256: str
    size: int


class FileStore:
    """Files under one folder, two levels of hash. A second put of the same bytes is free."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not all(c in "0123456789abcdef" for c in sha256):
            raise NotFound("file.missing", "no such file")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def put(self, content: bytes) -> StoredFile:
        """Keep bytes durably (written aside, synced, renamed)."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        with self._one_at_a_time():
            is_here = path.exists()
            if is_here:
                os.utime(path)  # whoever clears away sees that it is wanted anew
        if not is_here:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        return StoredFile(digest, len(content))

    def remove(self, sha256: str, *, unless_since: float) -> bool:
        """Take bytes away for good; False when they were put (again) after a moment, in seconds of the system's time.

        Twice is harmless. Who puts a file writes the row that needs it a little later: the moment is a day ago.
        """
        path = self._path(sha256)
        with self._one_at_a_time():
            try:
                if path.stat().st_mtime > unless_since:
                    return False
                path.unlink()
            except FileNotFoundError:
                return True
        return True

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def room_left(self) -> int:
        """Bytes that may still be written where files are kept; raises OSError when that place is gone."""
        place = self.root
        while not place.exists():
            place = place.parent
        found = os.statvfs(place)
        return found.f_bavail * found.f_frsize

    def get(self, sha256: str) -> bytes:
        """The bytes; raises NotFound when they are missing or no longer what they were."""
        try:
            content = self._path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("file.missing", "no such file") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise NotFound("file.damaged", "the stored file is damaged")
        return content

    def path(self, sha256: str) -> Path:
        """The file's place on disk, for readers that stream; raises NotFound."""
        path = self._path(sha256)
        if not path.is_file():
            raise NotFound("file.missing", "no such file")
        return path


def safe_name(name: str, *, fallback: str = "file") -> str:
    """A file name for people that cannot escape: no path, control, direction or reserved characters, bounded."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    kept = "".join(c for c in text if c not in _FORBIDDEN and unicodedata.category(c)[0] != "C")
    kept = kept.strip(" .")
    if len(kept) > MAXIMUM_NAME_LENGTH:
        stem, dot, suffix = kept.rpartition(".")
        kept = (stem or suffix)[: MAXIMUM_NAME_LENGTH - 12] + (dot + suffix[:10] if stem else "")
    return kept or fallback


_store: FileStore | None = None


def use_store(store: FileStore) -> None:
    global _store  # noqa: PLW0603 - one store a process
    _store = store


def get_store() -> FileStore:
    if _store is None:
        raise RuntimeError("no file store: the composition root has not set one")
    return _store
