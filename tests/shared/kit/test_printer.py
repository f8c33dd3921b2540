"""A paper made beside the web is the same paper; a printer that dies or hangs is another one for the next."""

from __future__ import annotations

import pytest

from shared.kit import aside, pdf
from shared.kit.printer import Printer, PrinterFailed, Refusal

PAGE = "<html lang='fr'><head><title>Relevé</title></head><body><p>Bonjour %s</p></body></html>"
HANG = "import time; time.sleep(60)"


class NoTurn:
    def leave(self) -> None: ...
    def take(self) -> None: ...


@pytest.fixture
def at_the_counter(monkeypatch):
    monkeypatch.setattr(aside._here, "turn", NoTurn(), raising=False)
    yield
    pdf._printer.close()


def test_the_same_paper_comes_from_beside_and_the_process_stays(at_the_counter, monkeypatch):
    beside = [pdf.render(PAGE % name) for name in ("Dora", "Luc")]
    process = pdf._printer._process
    assert process is not None
    assert process.poll() is None
    monkeypatch.setattr(aside._here, "turn", None)
    assert beside == [pdf.render(PAGE % name) for name in ("Dora", "Luc")]


def test_a_killed_printer_is_replaced_and_a_refusal_ends_nothing(at_the_counter):
    first = pdf.render(PAGE % "Dora")
    assert pdf._printer._process is not None
    pdf._printer._process.kill()
    pdf._printer._process.wait()
    assert pdf.render(PAGE % "Dora") == first
    with pytest.raises(pdf.PaperTooHeavyError):
        pdf.render("<div>" * 3_000)
    assert pdf.render(PAGE % "Dora") == first


def test_a_printer_that_says_nothing_is_not_waited_for():
    with pytest.raises(PrinterFailed):
        Printer(HANG).make(b"x", within_s=0.2)
    with pytest.raises(PrinterFailed):
        Printer("").make(b"x" * 1_000_000, within_s=20)
    with pytest.raises(Refusal, match="no"):
        Printer("from shared.kit import printer\ndef make(job): raise ValueError('no')\nprinter.serve(make)").make(
            b"x", within_s=20
        )
