"""Styles, scripts and images: joined per door, named by their content, compressed once, cached for ever.

An entry such as ``portal.css`` is a list of ``@import url("…") layer(…)`` lines (``portal.js``: ``import "./…"`` lines).
At start each entry is joined into one file, so that a page asks for one style sheet and one script. Bootstrap comes from
the Bootstrap-Flask package (``/bootstrap/…``); nothing of it is kept in our tree.

A page writes ``{{ asset_url("portal.css") }}``; the address holds a fingerprint of the content and may be cached for a
year. An old fingerprint (a page opened before an upgrade) gets the present content without caching.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from flask import Response, abort, has_request_context, request
from flask.typing import ResponseReturnValue

from shared.kit import colours
from shared.web.routes import Route, anyone, mount

if TYPE_CHECKING:
    from flask import Flask

STATIC = Path(__file__).resolve().parents[2] / "static"
ENTRIES = ("portal.css", "backoffice.css", "portal.js", "backoffice.js")
FOREVER = "public, max-age=31536000, immutable"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
WORTH_COMPRESSING = {".css", ".js", ".svg"}

_CSS_IMPORT = re.compile(r'^@import url\("(?P<url>[^"]+)"\)(?: layer\((?P<layer>[\w-]+)\))?;$', re.MULTILINE)
_JS_IMPORT = re.compile(r'^import "\./(?P<name>[\w-]+\.js)";$', re.MULTILINE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


@dataclass(frozen=True)
class Asset:
    """One file as it is served: its bytes, their gzip form when that is smaller, and its fingerprint."""

    name: str
    media_type: str
    body: bytes
    gzipped: bytes | None
    fingerprint: str

    @property
    def path(self) -> str:
        """Address below the application's root, e.g. ``/assets/3f9c0a12b4/portal.css``."""
        return f"/assets/{self.fingerprint}/{self.name}"


def _bootstrap() -> Path:
    spec = find_spec("flask_bootstrap")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("Bootstrap-Flask is not installed")
    return Path(spec.origin).parent / "static" / "bootstrap5" / "css"


def _sources(folder: Path, url: str) -> Iterator[str]:
    if url.startswith("/bootstrap/"):
        text = (_bootstrap() / url.removeprefix("/bootstrap/")).read_text("utf-8")
        yield re.sub(r"/\*# sourceMappingURL=.*?\*/", "", text.replace('@charset "UTF-8";', ""))
        return
    found = sorted(folder.glob(url))
    if not found:
        raise FileNotFoundError(f"{folder / url}: a style sheet imports it, but it is not there")
    for path in found:
        yield _CSS_COMMENT.sub("", path.read_text("utf-8"))


def join_css(entry: Path) -> str:
    """The entry's style sheets in one text, each inside the cascade layer that its import names."""

    def inline(match: re.Match[str]) -> str:
        text = "\n".join(_sources(entry.parent, match["url"])).strip()
        return f"@layer {match['layer']}{{{text}}}" if match["layer"] else text

    return (
        '@charset "UTF-8";\n' + _CSS_IMPORT.sub(inline, _CSS_COMMENT.sub("", entry.read_text("utf-8"))).strip() + "\n"
    )


def join_js(entry: Path) -> str:
    """The entry's scripts in one module, each inside a block of its own so that their names never meet."""

    def inline(match: re.Match[str]) -> str:
        return "{\n" + (entry.parent / match["name"]).read_text("utf-8").strip() + "\n}"

    return _JS_IMPORT.sub(inline, entry.read_text("utf-8"))


def _asset(name: str, body: bytes) -> Asset:
    suffix = Path(name).suffix
    small = gzip.compress(body, compresslevel=9, mtime=0) if suffix in WORTH_COMPRESSING else None
    return Asset(
        name=name,
        media_type=MEDIA_TYPES[suffix],
        body=body,
        gzipped=small if small is not None and len(small) < len(body) else None,
        fingerprint=hashlib.sha256(body).hexdigest()[:12],
    )


@cache
def shelf(static: Path = STATIC) -> Mapping[str, Asset]:
    """Everything that can be served, by name: the joined entries, and every image and font by its path below ``static``."""
    assets = {}
    for entry in ENTRIES:
        path = static / Path(entry).suffix.removeprefix(".") / entry
        if path.exists():
            join = join_css if path.suffix == ".css" else join_js
            assets[entry] = _asset(entry, join(path).encode())
    for folder in ("img", "fonts"):
        for path in sorted((static / folder).rglob("*")):
            if path.suffix in MEDIA_TYPES:
                name = path.relative_to(static).as_posix()
                assets[name] = _asset(name, path.read_bytes())
    return MappingProxyType(assets)


def asset_url(name: str) -> str:
    """Address of an asset, with the fingerprint of its content; a name that is not on the shelf is a fault of the template."""
    root = request.script_root if has_request_context() else ""
    return root + shelf()[name].path


def brand_url(accent: str | None) -> str:
    """Address of the style sheet that carries a company's accent colour (``#0b6b5d``), or "" when it has none."""
    if not accent or colours.hex_colour(accent) is None:
        return ""
    root = request.script_root if has_request_context() else ""
    return f"{root}/brand.css?c={accent.strip().removeprefix('#').lower()}"


def file(fingerprint: str, name: str) -> Response:
    """Serve one asset; with its true fingerprint for a year, with another one only for now."""
    asset = shelf().get(name)
    if asset is None:
        abort(404)
    response = Response(mimetype=None, content_type=asset.media_type)
    if asset.gzipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.set_data(asset.gzipped)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.set_data(asset.body)
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = FOREVER if fingerprint == asset.fingerprint else "no-cache"
    response.set_etag(asset.fingerprint)
    response.make_conditional(request)
    return response


def company_colours() -> Response:
    """Serve the accent colours of a company: a pure function of the colour asked for, hence cached for ever."""
    accent = colours.hex_colour(request.args.get("c", ""))
    if accent is None:
        abort(404)
    response = Response(colours.stylesheet(accent), content_type=MEDIA_TYPES[".css"])
    response.headers["Cache-Control"] = FOREVER
    return response


def tab_icon() -> Response:
    """Answer the address that browsers ask for by habit, beside a PDF or a plain text."""
    return file("", "img/favicon.svg")


ROUTES = (
    Route("GET", "/favicon.ico", tab_icon, anyone),
    Route("GET", "/assets/<fingerprint>/<path:name>", file, anyone),
    Route("GET", "/brand.css", company_colours, anyone),
)


def install(app: "Flask") -> None:
    """Give a door its assets: ``/assets/<fingerprint>/<name>``, ``/brand.css``, and the two words templates use.

    Both addresses are open to anyone: they hold nothing of anybody. They are answered before the session is looked at,
    because a response that depends on a cookie cannot be kept by the browser when the cookie changes.
    """
    mount(app, ROUTES)
    ours = {route.endpoint for route in ROUTES}

    @app.before_request
    def before_the_session() -> ResponseReturnValue | None:
        if request.endpoint in ours and request.method in {"GET", "HEAD"}:
            return app.dispatch_request()
        return None

    app.jinja_env.globals.update(asset_url=asset_url, brand_url=brand_url)
    shelf()
