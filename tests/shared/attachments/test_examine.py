from __future__ import annotations

import io

import pikepdf
import pytest
from PIL import Image
from pypdf import PdfReader

from shared.attachments.examine import UnfitFile, check
from shared.attachments.rules import LARGEST_FILE, Upload
from shared.kit.db import transaction
from shared.kit.errors import Invalid
from shared.kit.words import speaking
from tests.support.hostile_files import packed, paper, picture


def test_nothing_sent_is_nothing_kept() -> None:
    assert check([]) == []


def test_a_picture_keeps_what_it_shows_and_stands_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    [kept] = check([Upload("IMG_0042.JPEG", picture("JPEG", size=(32, 20), exif=turned.tobytes()))])

    with Image.open(io.BytesIO(kept.content)) as again:
        assert again.size == (20, 32)
    assert (kept.name, kept.media_type) == ("IMG_0042.jpg", "image/jpeg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_of_every_kind_is_taken(mode: str) -> None:
    made = io.BytesIO()
    Image.new(mode, (9, 7)).save(made, "PNG")
    [kept] = check([Upload("plan.png", made.getvalue())])

    with Image.open(io.BytesIO(kept.content)) as again:
        assert again.size == (9, 7)


def test_a_scan_in_greys_of_sixteen_bits_keeps_its_greys() -> None:
    scan, made = Image.new("I;16", (4, 1)), io.BytesIO()
    for place, grey in enumerate((0, 0x4000, 0x8000, 0xFFFF)):
        scan.putpixel((place, 0), grey)
    scan.save(made, "PNG")
    [kept] = check([Upload("scan.png", made.getvalue())])

    with Image.open(io.BytesIO(kept.content)) as again:
        assert [again.getpixel((place, 0)) for place in range(4)] == [0, 63, 127, 255]


def test_a_transparent_picture_stays_transparent() -> None:
    made = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(made, "PNG")
    [kept] = check([Upload("logo.png", made.getvalue())])

    with Image.open(io.BytesIO(kept.content)) as again:
        assert again.getpixel((0, 0))[3] == 0


@pytest.mark.parametrize("content", [paper(), packed(paper())], ids=["plain", "packed"])
def test_a_pdf_keeps_its_pages_and_its_text(content: bytes) -> None:
    [kept] = check([Upload("bon de livraison n° 7.pdf", content)])

    assert "Hello" in PdfReader(io.BytesIO(kept.content)).pages[0].extract_text()
    assert kept.name == "bon de livraison n° 7.pdf"


def test_a_pdf_with_links_bookmarks_and_an_opening_page_is_taken() -> None:
    link = b"/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(https://example.org/)>>>>]"
    [kept] = check([Upload("a.pdf", paper(page=link, catalog=b"/OpenAction[3 0 R/Fit]/Outlines<</Count 0>>"))])

    page = PdfReader(io.BytesIO(kept.content)).pages[0]
    assert page["/Annots"][0]["/A"]["/URI"] == "https://example.org/"


def test_what_was_filled_into_a_form_is_still_there() -> None:
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(received)/V(3 of 4)/Rect[0 0 90 9]/P 3 0 R>>"
    [kept] = check([Upload("a.pdf", paper(field, page=b"/Annots[5 0 R]", catalog=b"/AcroForm<</Fields[5 0 R]>>"))])

    again = PdfReader(io.BytesIO(kept.content))
    assert again.get_form_text_fields() == {"received": "3 of 4"}
    assert len(again.pages) == 1


def test_our_own_electronic_invoice_is_taken_back_without_its_data() -> None:
    made = io.BytesIO()
    with pikepdf.open(io.BytesIO(paper())) as opened:
        opened.attachments["factur-x.xml"] = b"<rsm:CrossIndustryInvoice/>"
        opened.save(made)
    [kept] = check([Upload("F-2026-001.pdf", made.getvalue())])

    with pikepdf.open(io.BytesIO(kept.content)) as again:
        assert not again.attachments


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Reçu 3 palettes sur 4.\r\n".encode(), "Reçu 3 palettes sur 4.\r\n"),
        (b"\xef\xbb\xbfd\xc3\xa9j\xc3\xa0", "déjà"),
        ("déjà payé 12 €".encode("cp1252"), "déjà payé 12 €"),
        (b"1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("слово".encode(), "слово"),
    ],
)
def test_a_plain_text_is_kept_in_utf8(content: bytes, text: str) -> None:
    [kept] = check([Upload("note.txt", content)])

    assert kept.content.decode() == text


def test_the_name_follows_the_content_not_the_ending() -> None:
    kept = check([Upload("facture.pdf", picture("PNG")), Upload("photo.png.exe", paper())])

    assert [each.name for each in kept] == ["facture.png", "photo-png.pdf"]


def test_six_files_are_too_many_and_none_is_looked_at() -> None:
    with pytest.raises(Invalid, match="at most 5 files"):
        check([Upload("a.txt", b"a")] * 6)


def test_a_file_of_more_than_ten_megabytes_is_refused() -> None:
    with pytest.raises(UnfitFile, match="larger than 10 MB") as refusal:
        check([Upload("good.txt", b"good"), Upload("long.txt", b"a" * (LARGEST_FILE + 1))])

    assert refusal.value.facts["file"] == "long.txt"


def test_files_of_more_than_twenty_five_megabytes_together_are_refused() -> None:
    with pytest.raises(Invalid, match="together may weigh 25 MB"):
        check([Upload("a.txt", b"a" * (9 * 1024 * 1024))] * 3)


def test_the_refusal_names_the_file_in_the_readers_language() -> None:
    with speaking("fr"), pytest.raises(UnfitFile) as refusal:
        check([Upload("../../conditions.docx", b"PK\x03\x04[Content_Types].xml")])

    assert refusal.value.message.startswith("conditions.docx\u00a0: les documents bureautiques ne sont pas acceptés.")


def test_files_are_never_looked_at_inside_a_transaction(database) -> None:
    with transaction(), pytest.raises(Exception, match="transaction"):
        check([Upload("a.txt", b"a")])


def test_huge_pictures_in_one_form_are_bounded_together() -> None:
    huge = _blank(7_000)  # 49 million pixels in a few kilobytes
    with pytest.raises(UnfitFile) as refusal:
        check([Upload(f"{number}.png", huge) for number in (1, 2, 3)])
    assert refusal.value.reason == "pixels_together"
    assert str(refusal.value.message).startswith("3.png")


def _blank(side: int) -> bytes:
    made = io.BytesIO()
    Image.new("1", (side, side)).save(made, "PNG")
    return made.getvalue()
