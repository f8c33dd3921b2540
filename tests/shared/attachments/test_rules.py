"""Under which name a file is kept, when it may be handed out, and how much may come."""

from __future__ import annotations

import pytest

from shared.attachments.rules import (
    ACCEPT,
    ENDINGS,
    LARGEST_FILE,
    LARGEST_SUBJECT,
    LARGEST_SUBMISSION,
    MOST_FILES,
    AttachmentState,
    kept_name,
    may_serve,
)


def test_ten_megabytes_a_file_five_files_at_once_twenty_five_for_one_matter():
    assert (LARGEST_FILE, LARGEST_SUBJECT, LARGEST_SUBMISSION) == (10_485_760, 26_214_400, 27_262_976)
    assert MOST_FILES == 5


def test_what_may_come_is_offered_by_the_chooser_and_has_one_ending():
    assert ENDINGS == {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "text/plain": "txt"}
    assert {*ACCEPT.split(",")} == {".pdf", ".jpg", ".jpeg", ".png", ".txt"}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("bon de livraison.PDF", "bon de livraison.pdf"),
        ("photo.jpeg", "photo.pdf"),
        ("no ending", "no ending.pdf"),
        ("a.b.c.exe", "a-b-c.pdf"),
        ("v1.2", "v1.pdf"),
        ("long.ending7", "long-ending7.pdf"),
        ("two  \t spaces.pdf", "two spaces.pdf"),
        ("a . b.pdf", "a-b.pdf"),
        ("-~_name_~-.pdf", "name.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("", "file.pdf"),
        ("...", "file.pdf"),
        (".pdf", "pdf.pdf"),
        ("CON.pdf", "file-CON.pdf"),
        ("lpt9.txt", "file-lpt9.pdf"),
        ("com10.txt", "com10.pdf"),
        ("XY-MAX.txt", "XY-MAX.pdf"),
        ("console.txt", "console.pdf"),
        ("x" * 101, "x" * 100 + ".pdf"),
        ("x" * 100, "x" * 100 + ".pdf"),
    ],
)
def test_a_file_is_kept_under_one_plain_name_with_its_true_ending(name, kept):
    assert kept_name(name, "application/pdf") == kept


@pytest.mark.parametrize("ending", ["jpg", "png", "txt"])
def test_the_ending_is_that_of_the_content(ending):
    (media_type,) = (each for each, known in ENDINGS.items() if known == ending)
    assert kept_name("a.pdf", media_type) == f"a.{ending}"


@pytest.mark.parametrize(
    ("state", "with_scanner", "without"),
    [
        ("clean", True, True),
        ("unscanned", False, True),
        ("scanning", False, False),
        ("infected", False, False),
        ("quarantined", False, False),
    ],
)
def test_nothing_is_handed_out_that_a_configured_scanner_has_not_passed(state, with_scanner, without):
    assert may_serve(AttachmentState(state), has_scanner=True) is with_scanner
    assert may_serve(AttachmentState(state), has_scanner=False) is without
