"""A disk without room: the truth, and not ready."""

from __future__ import annotations

import errno
import os

import pytest

from shared.kit import files


@pytest.fixture
def full(shop):
    class Full(files.FileStore):
        def put(self, content: bytes) -> files.StoredFile:
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)} ({len(content)} bytes)")

        def room_left(self) -> int:
            return 0

    store = files.get_store()
    files.use_store(Full(store.root))
    yield shop
    files.use_store(store)


def test_a_disk_that_is_full_is_said_and_nothing_is_called_kept(full):
    browser = full.enter()
    answer = browser.open("/documents").browser.open("/documents/statement?since=1/1/2031&until=11/3/2031&form=pdf")
    assert answer.status == 507
    assert "The server has no room left to make this." in answer.text
    assert "lost" not in answer.text
    assert full.app.test_client().get("/readyz").json["disk"] == "no room left"
