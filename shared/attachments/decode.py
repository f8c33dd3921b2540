"""What a file is, by its content alone, and the same file written anew from what was understood of it.

Nothing of what was sent is kept as it came: pictures are decoded to pixels and encoded again (no EXIF, no comments, nothing
after the end), PDFs are parsed and written again from their pages, texts are decoded and encoded. What two programs could
read in two ways is therefore gone. Runs in a child process with limits (see examine.py): Pillow and pypdf meet strangers.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from typing import TYPE_CHECKING

from shared.attachments.rules import JPEG, PDF, PNG, TEXT

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 50_000_000
MOST_PIXELS_TOGETHER = 100_000_000
"""Of one form: two photographs of the largest telephones, or eight of ordinary ones. More is half a minute of a processor."""

_MARKUP = re.compile(
    rb"<\s*(!doctype|html|head|body|script|iframe|object|embed|svg|math|style|link|meta|\?xml|\?php|\?=|%)",
    re.IGNORECASE,
)
_SCRIPTS = (b"#!", b"%!PS", b"{\\rtf", b"MIME-Version:", b"@echo", b"From ")
_ARCHIVES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"MSCF",
)
_OFFICE = (b"\xd0\xcf\x11\xe0",)
_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\xfe\xed\xfa",
    b"L\x00\x00\x00\x01\x14\x02\x00",
)
_PICTURES = (b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"\x00\x00\x01\x00", b"8BPS", b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


class RefusedFile(Exception):  # noqa: N818 - it is an answer
    """The file is not taken; `code` names the reason, examine.py says it in a sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def decode(content: bytes) -> tuple[str, bytes]:
    """The media type of a file and its harmless copy; raises RefusedFile."""
    if not content:
        raise RefusedFile("empty")
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG, _picture(content, "JPEG")
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG, _picture(content, "PNG")
    if content.lstrip(b"\xef\xbb\xbf\t\r\n\x0c ").startswith(b"%PDF-"):
        from shared.attachments.paper import rewrite

        return PDF, rewrite(content)
    _refuse_foreign(content)
    return TEXT, _text(content)


def pixels(content: bytes) -> int:
    """How many a picture says it has; 0 for what is none."""
    from PIL import Image

    if not content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=["JPEG", "PNG"]) as opened:
                return opened.width * opened.height
    except Exception:  # noqa: BLE001 - a damaged picture makes the library raise anything; decoding it says so
        return 0


def _refuse_foreign(content: bytes) -> None:
    """Raises RefusedFile for what is known and not taken, so that the sentence can name it."""
    if content[4:8] == b"ftyp":
        raise RefusedFile("heic" if content[8:12] in _HEIC else "picture")
    if content.startswith(_ARCHIVES):
        is_office = b"[Content_Types].xml" in content or b"mimetypeapplication/vnd.oasis" in content[:200]
        raise RefusedFile("office" if is_office else "archive")
    if content.startswith(_OFFICE):
        raise RefusedFile("office")
    if content.startswith(_PROGRAMS) and b"\0" in content[:512]:
        raise RefusedFile("program")
    if (content.startswith(_PICTURES) and b"\0" in content[:512]) or content[8:12] == b"WEBP":
        raise RefusedFile("picture")


def _picture(content: bytes, form: str) -> bytes:
    from PIL import Image, ImageFile, ImageOps

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[form]) as opened:
                opened.load()  # looks at the number of pixels first
                upright = ImageOps.exif_transpose(opened)
            return _encoded(upright, form)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RefusedFile("too_many_pixels") from error
    except MemoryError as error:
        raise RefusedFile("too_heavy") from error
    except Exception as error:  # a damaged picture makes the library raise anything
        raise RefusedFile("damaged") from error


def _encoded(picture: object, form: str) -> bytes:
    """The pixels alone, in a mode that every reader shows."""
    from PIL import Image

    assert isinstance(picture, Image.Image)  # noqa: S101 - for the type checker
    picture = _in_eight_bits(picture)
    has_alpha = form == "PNG" and ("A" in picture.getbands() or "transparency" in picture.info)
    mode = "RGBA" if has_alpha else "L" if picture.mode in ("1", "L", "LA") else "RGB"
    plain = Image.new(mode, picture.size)
    plain.paste(picture.convert(mode))
    made = io.BytesIO()
    if form == "JPEG":
        plain.save(made, "JPEG", quality=88)
    else:
        plain.save(made, "PNG", compress_level=6)
    return made.getvalue()


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Greys of sixteen bits (scanners make them) brought down to eight: Pillow's own conversion makes all above 255 white."""
    if not picture.mode.startswith("I"):
        return picture
    greys = picture.convert("I").point(lambda grey: grey * (1 / 257)).convert("L")
    greys.info.pop("transparency", None)  # it names a grey of sixteen bits
    return greys


def _text(content: bytes) -> bytes:
    """The same text in UTF-8 without a mark at its head; raises RefusedFile for markup, scripts and control characters."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise RefusedFile("unknown") from error
    if b"%PDF-" in content or any(_is_control(sign) for sign in set(text)):
        raise RefusedFile("unknown")
    if _MARKUP.search(content) or text.lstrip().encode().startswith(_SCRIPTS):
        raise RefusedFile("markup")
    if not text.strip():
        raise RefusedFile("empty")
    return text.encode()


def _is_control(sign: str) -> bool:
    """Whether a sign steers a terminal or turns the direction of what follows, rather than being read."""
    if sign in "\t\n\r\f":
        return False
    return (
        unicodedata.category(sign) in ("Cc", "Cs", "Cn", "Co")
        or sign in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
