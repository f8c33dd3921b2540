"""More than five hundred hostile files: each is refused with a sentence, or what is kept of it is inert."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter

import pikepdf
import pytest
from PIL import Image

from shared.attachments.decode import RefusedFile, decode
from shared.attachments.examine import UnfitFile, check, sentence
from shared.attachments.rules import ENDINGS, JPEG, PDF, PNG, Upload, kept_name
from shared.kit.words import speaking
from tests.support import hostile_files
from tests.support.hostile_files import MARK, Hostile

ACTING = re.compile(
    rb"/(JavaScript|JS|AA|Launch|SubmitForm|ImportData|GoToR|GoToE|OpenAction|EmbeddedFiles?|EF|RichMedia|XFA|Rendition)\b"
)

REASONS = {
    "empty", "too_large", "too_many_pixels", "too_heavy", "damaged", "heic", "picture", "office", "archive", "program",
    "markup", "unknown", "pdf_locked", "pdf_pages", "pdf_script", "pdf_files", "pdf_media", "pdf_act",
}  # fmt: skip


def outcome(file: Hostile) -> str:
    """What became of a file: the word of its refusal, or the media type under which it was kept, proven inert."""
    try:
        media_type, kept = decode(file.content)
    except RefusedFile as refusal:
        return refusal.code
    assert not file.must_refuse, f"{file.family}: {file.name} was kept as {media_type}"
    assert_inert(media_type, kept)
    return media_type


def assert_inert(media_type: str, kept: bytes) -> None:
    assert MARK not in kept
    assert not zipfile.is_zipfile(io.BytesIO(kept))
    if media_type in (JPEG, PNG):
        assert_plain_picture(media_type, kept)
    elif media_type == PDF:
        assert_plain_paper(kept)
    else:
        text = kept.decode("utf-8")
        assert not re.search(r"[\0-\x08\x0e-\x1f\x7f]|<\s*(script|html|svg|\?)", text, re.IGNORECASE)


def assert_plain_picture(media_type: str, kept: bytes) -> None:
    with Image.open(io.BytesIO(kept)) as again:
        again.load()
        assert Image.MIME[again.format] == media_type
        assert not again.getexif()
        assert not {"comment", "exif", "xmp", "icc_profile", "XML:com.adobe.xmp", "Comment"} & set(again.info)
    assert kept.endswith(b"\xff\xd9" if media_type == JPEG else b"IEND\xaeB`\x82")
    if media_type == PNG:
        assert chunks(kept) <= {b"IHDR", b"IDAT", b"IEND"}


def chunks(content: bytes) -> set[bytes]:
    found, at = set(), 8
    while at < len(content):
        found.add(content[at + 4 : at + 8])
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    return found


def assert_plain_paper(kept: bytes) -> None:
    assert kept.startswith(b"%PDF-")
    assert kept.rstrip().endswith(b"%%EOF")
    plain = io.BytesIO()
    with pikepdf.open(io.BytesIO(kept)) as again:
        assert len(again.pages) >= 1
        again.save(plain, object_stream_mode=pikepdf.ObjectStreamMode.disable, qdf=True)
    assert not ACTING.search(plain.getvalue())
    assert MARK not in plain.getvalue()


def test_every_hostile_file_is_refused_with_a_sentence_or_kept_inert() -> None:
    seen = Counter((file.family, outcome(file)) for file in hostile_files.everything())

    assert seen.total() > 500
    families = Counter(family for family, _outcome in seen.elements())
    assert {became for _family, became in seen} - set(ENDINGS) <= REASONS
    assert set(families) == {
        "pdf act", "pdf load", "pdf polyglot", "jpeg polyglot", "png polyglot", "bomb", "foreign", "torn", "name"
    }  # fmt: skip


def test_the_same_seed_makes_the_same_files() -> None:
    first = [(file.name, hash(file.content)) for file in hostile_files.torn()]

    assert first == [(file.name, hash(file.content)) for file in hostile_files.torn()]


@pytest.mark.parametrize("media_type", ENDINGS)
@pytest.mark.parametrize("name", hostile_files.NAMES)
def test_a_kept_name_is_one_word_with_one_true_ending(name: str, media_type: str) -> None:
    kept = kept_name(name, media_type)

    assert re.fullmatch(r"[^\0-\x1f\x7f/\\:*?\"<>|.]{1,100}\.(pdf|jpg|png|txt)", kept), kept
    assert kept.endswith("." + ENDINGS[media_type])
    assert not kept.startswith((".", "-", "~", " "))
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]", kept)
    assert kept.partition(".")[0].upper() not in {"CON", "NUL", "AUX", "COM1"}


def test_a_bomb_does_not_go_off_in_the_child_process() -> None:
    for file in hostile_files.bombs():
        try:
            kept = check([Upload(file.name, file.content)])
        except UnfitFile as refusal:
            said = refusal.message
        else:
            said = ""
            assert len(kept[0].content) < 1024 * 1024
        assert bool(said) or not file.must_refuse, file.name


def test_a_sentence_says_why_and_what_to_do_in_both_languages() -> None:
    for language in ("en", "fr"):
        with speaking(language):
            for reason in REASONS:
                assert re.fullmatch(r"\w.*\.", sentence(reason))
