"""HTML to PDF: the only importer of WeasyPrint.

Paper is made from our own templates, but what stands in it was typed by strangers. So nothing is fetched: the
fetcher hands out only bytes that the caller gave (`asset:logo`) and the fonts of our own package; `file:`, `http:`
and `data:` addresses get nothing. What is large is rendered in a child process with limits on time and memory.

The page's language and title come from `<html lang>` and `<title>`.
"""

from __future__ import annotations

import atexit
import base64
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shared.kit import aside
from shared.kit.aside import Lane
from shared.kit.errors import Invalid
from shared.kit.printer import Printer, PrinterFailed, Refusal, serve
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

if TYPE_CHECKING:
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

ROOT = Path(__file__).resolve().parents[2]
STYLES = ROOT / "static" / "css"

Variant = Literal["pdf/a-3b", "pdf/a-2b", "pdf/ua-1"]

LIGHT_HTML = 60_000
"""Characters of HTML up to which this process renders by itself (about 240 invoice lines, one to two seconds)."""
LARGEST_HTML = 4_000_000
CHILD_SECONDS = 60
CHILD_BYTES = 1536 * 1024 * 1024

_FONT_PACKAGE = "font_source_sans_pro"
_FACES = (("Regular", 400, "normal"), ("Semibold", 600, "normal"), ("Bold", 700, "normal"), ("It", 400, "italic"))
_FALLBACKS = "'Source Sans 3', 'DejaVu Sans', 'Noto Sans', 'Liberation Sans', Arial, sans-serif"

# A hyphen that the font lacks sends Pango through every font of the machine for each word: a minute for one page.
_COSTLY = str.maketrans({"\u2011": "-", "\u00ad": None, "\ufeff": None})

_press_lock = threading.Lock()


LANE = Lane(
    "papers",
    at_once=1,
    waiting=6,
    refusal=_l("Many papers are being made at the moment. This page tries again by itself in a few seconds."),
)
"""Of a web process. A hundred people who want their invoice at the same moment do not keep others from their account."""


class PaperTooHeavyError(Invalid):
    """The document is larger than the limits allow, or took too long."""

    def __init__(self, why: str) -> None:
        super().__init__("paper.too_heavy", _("This paper is too long to be made."), why=why)


class ForeignAssetError(Invalid):
    """The page asks for something that is not among its assets, in a way that cannot be left out."""

    def __init__(self) -> None:
        super().__init__("paper.foreign_asset", "The document asks for something that is not its own.")


class UndrawableError(Invalid):
    """The page has signs that no font of this machine can draw: boxes would stand for them. `signs` are those."""

    def __init__(self, signs: str) -> None:
        super().__init__("paper.undrawable", signs)
        self.signs = signs


class NoFontError(RuntimeError):
    """This machine has no font at all, so every letter would be a box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file inside a PDF/A-3, and the RDF that the archive's metadata must say about it."""

    name: str
    content: bytes
    description: str
    dated: date
    media_type: str = "text/xml"
    relationship: str = "Data"
    rdf: bytes = b""


@dataclass(frozen=True, slots=True)
class _Job:
    html: str
    variant: Variant | None
    assets: dict[str, bytes]
    stylesheets: tuple[str, ...]
    attachment: Attachment | None
    is_tagged: bool = True
    may_miss_signs: bool = False


@dataclass(frozen=True)
class _Press:
    """What every document shares: fonts and parsed stylesheets, kept for the life of the process."""

    fonts: FontConfiguration
    styles: dict[str, CSS]


def render(
    html: str,
    *,
    variant: Variant | None = None,
    assets: Mapping[str, bytes] | None = None,
    stylesheets: Sequence[str] = ("paper",),
    attachment: Attachment | None = None,
    is_tagged: bool = True,
    may_miss_signs: bool = False,
    within_s: int = CHILD_SECONDS,
) -> bytes:
    """Make a PDF of a whole HTML page. The same arguments give the same bytes. A web process makes one at a time, aside.

    `stylesheets` are names of files in `static/css`; `assets` are the images that the page may show, by the name it
    uses after `asset:`. `variant` "pdf/a-3b" gives the archive format that Factur-X stands on,
    with the invoice's data as its `attachment`. `is_tagged` False leaves out what readers aloud go by; what is large may take
    `within_s` seconds of a processor. Raises UndrawableError for signs without a font, unless boxes may stand for them; raises PaperTooHeavyError; raises NoFontError when neither the font package nor any system font is there.
    """
    if len(html) > LARGEST_HTML:
        raise PaperTooHeavyError(f"{len(html)} characters")
    job = _Job(html, variant, dict(assets or {}), tuple(stylesheets), attachment, is_tagged, may_miss_signs)
    with LANE.aside():
        if len(html) > LIGHT_HTML:
            return _render_in_child(job, within_s)
        return _render_beside(job) if aside.somebody_waits() else _render_here(job)


def warm(stylesheets: Sequence[str] = ("paper",)) -> None:
    """Load the fonts and styles now rather than with the first document."""
    with _press_lock:
        for name in stylesheets:
            _stylesheet(_press(), name)


def _render_here(job: _Job) -> bytes:
    from weasyprint import HTML
    from weasyprint.css.tokens import InvalidValues
    from weasyprint.urls import URLFetchingError

    # One document at a time: Pango's font map is not made for two threads.
    with _press_lock:
        press = _press()
        page = HTML(string=job.html.translate(_COSTLY), url_fetcher=_fetcher(job.assets))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)  # WeasyPrint leaves its colour profile's file open
                made: bytes = page.write_pdf(
                    font_config=press.fonts,
                    stylesheets=[_stylesheet(press, name) for name in job.stylesheets],
                    pdf_variant=job.variant,
                    pdf_tags=job.is_tagged,
                    finisher=_finisher(job),
                )
        except RecursionError as error:
            raise PaperTooHeavyError("too deep") from error
        except (URLFetchingError, InvalidValues) as error:
            raise ForeignAssetError from error
    return made


def _finisher(job: _Job) -> Callable[[Any, Any], None]:
    attach = _attacher(job.attachment) if job.attachment else None

    def finish(document: Any, made: Any) -> None:
        signs = {chr(code) for font in document.fonts.values() for code in font.missing}
        if signs and not job.may_miss_signs:
            raise UndrawableError("".join(sorted(signs)))
        if attach:
            attach(document, made)

    return finish


def _attacher(attachment: Attachment) -> Callable[[Any, Any], None]:
    """Puts a file and its metadata into the PDF before it is written.

    WeasyPrint's own `attachments` and `xmp_metadata` would write /AF twice and a second RDF block; adding the file to
    the finished PDF means parsing and writing it again, which makes a long invoice ten times larger.
    """
    import hashlib

    import pydyf  # type: ignore[import-untyped]

    def attach(_document: Any, made: Any) -> None:
        digest = hashlib.md5(attachment.content, usedforsecurity=False).hexdigest()
        stream = pydyf.Stream(
            [attachment.content],
            {
                "Type": "/EmbeddedFile",
                "Subtype": "/" + attachment.media_type.replace("/", "#2f"),
                "Params": pydyf.Dictionary(
                    {
                        "CheckSum": f"<{digest}>",
                        "Size": len(attachment.content),
                        "ModDate": pydyf.String(f"D:{attachment.dated:%Y%m%d}000000Z"),
                    }
                ),
            },
            compress=True,
        )
        made.add_object(stream)
        name = pydyf.String(attachment.name)
        entry = pydyf.Dictionary(
            {
                "Type": "/Filespec",
                "F": name,
                "UF": name,
                "Desc": pydyf.String(attachment.description),
                "AFRelationship": f"/{attachment.relationship}",
                "EF": pydyf.Dictionary({"F": stream.reference, "UF": stream.reference}),
            }
        )
        made.add_object(entry)
        tree = pydyf.Dictionary({"Names": pydyf.Array([name, entry.reference])})
        made.catalog.setdefault("Names", pydyf.Dictionary())["EmbeddedFiles"] = tree
        made.catalog["AF"] = pydyf.Array([entry.reference])
        metadata = made.objects[int(made.catalog["Metadata"].split()[0])]
        metadata.stream = [part.replace(b"</rdf:RDF>", attachment.rdf + b"</rdf:RDF>") for part in metadata.stream]

    return attach


@lru_cache(maxsize=1)
def _press() -> _Press:
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    atexit.register(_press.cache_clear)  # its folder is removed while the interpreter still can
    faces = _font_files()
    if not faces and not _system_has_fonts(fonts):
        raise NoFontError(
            f"no font found: install the Python package {_FONT_PACKAGE.replace('_', '-')} or, on Debian and Ubuntu, "
            "`apt-get install fonts-dejavu-core`"
        )
    CSS(string=_font_rules(faces), font_config=fonts, url_fetcher=_fetcher(faces))
    return _Press(fonts=fonts, styles={})


def _stylesheet(press: _Press, name: str) -> CSS:
    from weasyprint import CSS

    if name not in press.styles:
        if not name.isidentifier():
            raise ValueError(f"not a stylesheet of ours: {name!r}")
        text = (STYLES / f"{name}.css").read_text(encoding="utf-8")
        root = f":root {{ --paper-font: {_family()} }}\n"
        press.styles[name] = CSS(string=root + text, font_config=press.fonts, url_fetcher=_fetcher({}))
    return press.styles[name]


def _family() -> str:
    return f"Guichet, {_FALLBACKS}" if _font_files() else _FALLBACKS


@lru_cache(maxsize=1)
def _font_files() -> dict[str, bytes]:
    """The faces of our font package, by asset name; empty when it is not installed."""
    spec = find_spec(_FONT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(spec.submodule_search_locations[0]) / "files"
    return {f"font-{name}": (folder / f"SourceSansPro-{name}.ttf").read_bytes() for name, _weight, _style in _FACES}


def _font_rules(faces: Mapping[str, bytes]) -> str:
    return "\n".join(
        f"@font-face {{ font-family: Guichet; src: url(asset:font-{name}); font-weight: {weight}; font-style: {style} }}"
        for name, weight, style in _FACES
        if f"font-{name}" in faces
    )


def _system_has_fonts(fonts: FontConfiguration) -> bool:
    from weasyprint.text.ffi import fontconfig

    found = fontconfig.FcConfigGetFonts(fonts._config, fontconfig.FcSetSystem)  # noqa: SLF001 - no public question
    return bool(found.nfont)


def _fetcher(assets: Mapping[str, bytes]) -> Any:
    """A fetcher that knows these bytes and nothing else: no file, no network, no redirect."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OwnAssets(URLFetcher):
        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:  # noqa: ARG002
            scheme, _, name = url.partition(":")
            if scheme != "asset" or name not in assets:
                raise ValueError("paper shows only its own assets")
            return URLFetcherResponse(url, body=assets[name])

    return OwnAssets(  # type: ignore[no-untyped-call]
        allowed_protocols=(), allow_redirects=False
    )


def _render_in_child(job: _Job, within_s: int) -> bytes:
    command = [sys.executable, "-c", f"from shared.kit.pdf import child; child({within_s})"]
    try:
        done = subprocess.run(
            command,
            input=_write_job(job),
            capture_output=True,
            cwd=ROOT,
            env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PaperTooHeavyError(f"more than {within_s} s") from error
    if done.returncode == _UNDRAWABLE:
        raise UndrawableError(done.stdout.decode())
    if done.returncode != 0 or not done.stdout.startswith(b"%PDF-"):
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        logging.getLogger(__name__).warning("paper: the child ended with %s: %s", done.returncode, last[:200])
        raise PaperTooHeavyError("the limits of its process were reached")
    return done.stdout


_UNDRAWABLE = 3
"""The child's exit status; its output names the signs."""

_printer = Printer("from shared.kit.pdf import printer; printer()")


def _render_beside(job: _Job) -> bytes:
    try:
        return _printer.make(_write_job(job), within_s=CHILD_SECONDS)
    except Refusal as refusal:
        if refusal.name == ForeignAssetError.__name__:
            raise ForeignAssetError from refusal
        if refusal.name == UndrawableError.__name__:
            raise UndrawableError(str(refusal)) from refusal
        if refusal.name == NoFontError.__name__:
            raise NoFontError(refusal.words) from refusal
        raise PaperTooHeavyError(refusal.name) from refusal
    except PrinterFailed as failure:
        raise PaperTooHeavyError("the limits of its process were reached") from failure


def printer() -> None:
    """The life of the process beside a web process: paper after paper."""
    import resource

    os.nice(3)  # pages go first
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warm()
    sys.addaudithook(_refuse_network)
    serve(lambda text: _render_here(_read_job(text)))


def child(within_s: int) -> None:
    """The child process's whole life: limit itself, read one job, write one PDF."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (within_s, within_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    job = _read_job(sys.stdin.buffer.read())
    sys.addaudithook(_refuse_network)
    try:
        sys.stdout.buffer.write(_render_here(job))
    except UndrawableError as error:
        sys.stdout.buffer.write(error.signs.encode())
        sys.exit(_UNDRAWABLE)


def _write_job(job: _Job) -> bytes:
    def encoded(value: object) -> object:
        if isinstance(value, bytes):
            return {"bytes": base64.b64encode(value).decode()}
        if isinstance(value, date):
            return {"day": value.isoformat()}
        raise TypeError(f"a job has no {type(value).__name__}")

    return json.dumps(asdict(job), default=encoded).encode()


def _read_job(text: bytes) -> _Job:
    def decoded(value: dict[str, Any]) -> object:
        if value.keys() == {"bytes"}:
            return base64.b64decode(value["bytes"])
        if value.keys() == {"day"}:
            return date.fromisoformat(value["day"])
        return value

    values = json.loads(text, object_hook=decoded)
    attachment = Attachment(**values.pop("attachment")) if values["attachment"] else values.pop("attachment")
    return _Job(**values, attachment=attachment)


def _refuse_network(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.system")):
        raise PermissionError(f"paper does not need {event}")
