"""A disk without room at the desk: an accounting file is named as not kept, and nothing is half written."""

from __future__ import annotations

import io

from tests.support.full_disk import FullDisk


def test_an_accounting_file_is_named_as_not_kept(ines, monkeypatch):
    disk = FullDisk(monkeypatch)
    token, before = ines.token("/imports"), disk.kept()
    disk.fill()
    data = {"csrf_token": token, "form": "", "file": (io.BytesIO(b"code;name\n411A;A\n"), "customers.csv")}
    answer = ines.client.post("/imports", data=data, headers={"Accept-Language": "en"})
    assert answer.status_code == 507
    assert "customers.csv" in answer.text
    assert disk.kept() == before
