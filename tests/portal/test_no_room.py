"""A disk without room: the truth, and not ready."""

from __future__ import annotations

import errno
import os

import pytest
from sqlalchemy import func, select

from payments.declarations.models import Declaration
from shared.attachments.models import Attachment
from shared.disputes.models import Dispute, DisputeEntry
from shared.kit import files
from shared.kit.db import reading
from shared.messages.models import Message
from tests.portal.declarations import test_views as declarations
from tests.portal.disputes import test_views as disputes
from tests.support.full_disk import FullDisk


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


@pytest.fixture
def disk(monkeypatch):
    return FullDisk(monkeypatch)


def count(table):
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def refused(answer, disk, before, *texts):
    """The page that says it: 507, what was typed to be copied, the file by its name, and nothing on the disk."""
    assert answer.status_code == 507
    page = answer.get_data(as_text=True)
    assert "what you sent could not be kept" in page
    for text in texts:
        assert text in page
    assert "Not kept, and to be chosen again: photo.png" in page
    assert disk.kept() == before


def test_a_dispute_with_a_photo_is_given_back_and_the_photo_named_as_not_kept(enter, dora, disk):
    browser = enter(dora)
    page = browser.open(f"/disputes/new?invoice={dora.invoices['FA-1']}")
    facts = {"reason": "not_conform", "text": "The top is <scratched>."}
    before = disk.kept()
    disk.fill()
    refused(
        disputes.send(browser, page, ("photo.png", disputes.PNG), **facts),
        disk,
        before,
        "The top is &lt;scratched&gt;.",
    )
    assert (count(Dispute), count(DisputeEntry), count(Attachment), count(Message)) == (0, 0, 0, 0)
    assert disputes.invoice("FA-1").frozen_minor == 0

    disk.clear()
    answer = disputes.send(browser, page, ("photo.png", disputes.PNG), **facts)
    assert answer.status_code == 303
    assert (count(Dispute), count(Attachment), len(disk.kept() - before)) == (1, 1, 1)


def test_an_answer_in_a_dispute_is_given_back(enter, dora, disk):
    browser = enter(dora)
    page = disputes.raise_one(browser, dora)
    before, said = disk.kept(), count(DisputeEntry)
    disk.fill()
    answer = disputes.send(browser, page, ("photo.png", disputes.PNG), button="Send", text="Here is the photo.")
    refused(answer, disk, before, "Here is the photo.")
    assert (count(DisputeEntry), count(Attachment)) == (said, 0)


def test_a_declared_transfer_with_its_proof_is_given_back(enter, dora, disk):
    browser = enter(dora)
    page = browser.open("/declarations/new")
    before = disk.kept()
    disk.fill()
    facts = {"paid_on": declarations.in_days(-2), "bank_reference": "VIR 42"}
    refused(declarations.send(browser, page, ("photo.png", disputes.PNG), **facts), disk, before, "VIR 42")
    assert (count(Declaration), count(Attachment)) == (0, 0)
    assert declarations.paused("FA-1") == 0
