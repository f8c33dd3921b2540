"""What can be downloaded: invoices as Factur-X, statements, an archive."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pikepdf
import pytest
from lxml import etree
from playwright.sync_api import Locator
from python_calamine import CalamineWorkbook

from tests.support.browser_chromium import Visit

pytestmark = pytest.mark.browser


def _fetch(visit: Visit, button: Locator) -> tuple[str, bytes]:
    with visit.page.expect_download() as waiting:
        button.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_papers_are_downloaded_and_are_what_they_claim_to_be(family, phone):
    account = family.open_account("Archives Réunies", [(-9, "1234.56"), (6, "99.60")])
    first, second = account.invoices
    phone.enter(family.link(account))
    phone.page.locator(f"main a[href*='{account.invoices[first]}']").first.click()
    phone.until(f"Invoice {first}", "€1,234.56", "Oak desk")
    phone.shot("invoice")

    name, pdf = _fetch(phone, phone.find("Download the invoice"))
    assert first in name
    with pikepdf.open(io.BytesIO(pdf)) as paper:
        (attached,) = [key for key in paper.attachments if key == "factur-x.xml"]
        xml = paper.attachments[attached].get_file().read_bytes()
    assert b"1234.56" in xml
    assert etree.fromstring(xml).tag.endswith("CrossIndustryInvoice")

    phone.go(f"{family.url}/documents")
    phone.until("Account statement")
    phone.shot("documents")
    name, pdf = _fetch(phone, phone.find("Download the statement"))
    assert name.endswith(".pdf")
    with pikepdf.open(io.BytesIO(pdf)) as paper:
        assert len(paper.pages) >= 1
    phone.page.locator("select[name=form]").select_option("xlsx")
    name, workbook = _fetch(phone, phone.find("Download the statement"))
    assert name.endswith(".xlsx")
    cells = [
        str(cell)
        for row in CalamineWorkbook.from_filelike(io.BytesIO(workbook)).get_sheet_by_index(0).to_python()
        for cell in row
    ]
    assert any(first in cell for cell in cells)

    phone.go(f"{family.url}/invoices")
    for box in phone.page.locator("input[name=invoice]").all():
        box.check()
    phone.shot("selection")
    name, archive = _fetch(phone, phone.find("Download"))
    assert name.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(archive)) as pieces:
        assert pieces.testzip() is None
        assert len(pieces.namelist()) == 2
        assert all(pieces.read(piece).startswith(b"%PDF-") for piece in pieces.namelist())
        assert any(second in piece for piece in pieces.namelist())
