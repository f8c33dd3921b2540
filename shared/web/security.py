"""Headers, cookies and cross-site protection, the same for every page."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, abort, g, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from shared.kit.settings import Settings
from shared.web import stamps

MEGABYTE = 1024 * 1024
ONE_YEAR_S = 31_536_000


class _SignedCookie(SecureCookieSessionInterface):
    """Flask's session in a signed cookie; its signer is made once instead of at each request.

    Each door signs with a salt of its own: a cookie of one is waste paper at the other.
    """

    def __init__(self, door: str) -> None:
        self.salt = f"session of {door}"
        self._signers: dict[Flask, Any] = {}

    def get_signing_serializer(self, app: Flask) -> Any:
        if app not in self._signers:
            self._signers[app] = super().get_signing_serializer(app)
        return self._signers[app]


def protect(app: Flask, settings: Settings, *, cookie: str, form_targets: tuple[str, ...] = ()) -> None:
    """Set cookies, limits, CSRF and response headers. `form_targets`: origins that a form may redirect to."""
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SESSION_COOKIE_NAME=f"__Host-{cookie}" if settings.is_https else cookie,
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict would drop the session on the way back from the provider's page
        SESSION_COOKIE_PATH="/",
        MAX_CONTENT_LENGTH=16 * MEGABYTE,
        MAX_FORM_MEMORY_SIZE=2 * MEGABYTE,
        MAX_FORM_PARTS=5_000,
        WTF_CSRF_TIME_LIMIT=None,  # bound to the session, which ends by itself
        WTF_CSRF_SSL_STRICT=False,  # it asks for a referrer, and our pages send none; Sec-Fetch-Site is looked at instead
        TEMPLATES_AUTO_RELOAD=settings.is_demo,
    )
    app.session_interface = _SignedCookie(cookie)
    stamps.install(app)
    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    policy = _content_policy(form_targets)

    @app.before_request
    def refuse_other_sites() -> tuple[str, int] | None:
        """Browsers say where a request comes from; a POST from elsewhere is refused before any form is read."""
        g.csp_nonce = secrets.token_urlsafe(16)
        is_elsewhere = request.headers.get("Sec-Fetch-Site") == "cross-site"
        if request.method == "POST" and is_elsewhere and not request.path.startswith("/webhooks/"):
            return "cross-site request refused", 403
        return None

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        _stay_here(response)
        headers.setdefault("Content-Security-Policy", policy.replace("{nonce}", g.get("csp_nonce", "")))
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer" if request.path.startswith("/l/") else "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        headers["X-Robots-Tag"] = "noindex, nofollow"
        headers.setdefault("Cache-Control", "no-store")
        if settings.is_https:
            headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR_S}; includeSubDomains"
        return response

    app.jinja_env.globals["csp_nonce"] = lambda: g.get("csp_nonce", "")


def _stay_here(response: Response) -> None:
    """Redirects that the router makes by itself name the host that the request claimed; ours go by path alone."""
    location = response.headers.get("Location", "")
    if location.startswith(request.host_url):
        response.headers["Location"] = "/" + location.removeprefix(request.host_url).lstrip("/")


def refuse_unreadable() -> tuple[str, int] | None:
    """A query of raw bytes that are no UTF-8: no browser sends one, and reading it would fail on every page."""
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        return "unreadable address", 400
    return None


def refuse_nul(app: Flask) -> None:
    """Refuse text with a NUL in it: no keyboard types one, and PostgreSQL keeps none. Webhooks read their body raw."""

    @app.before_request
    def refuse() -> None:
        texts = [text for texts in request.args.listvalues() for text in texts] + _typed()
        if any("\x00" in text for text in texts):
            abort(400)


def _typed() -> list[str]:
    if request.method != "POST" or request.path.startswith("/webhooks/"):
        return []
    typed = [text for texts in request.form.listvalues() for text in texts]
    return [*typed, *(file.filename or "" for file in request.files.values())]


def _content_policy(form_targets: tuple[str, ...]) -> str:
    # Chromium applies form-action to redirects after a POST: the providers' hosted pages must be named.
    actions = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self'; form-action {actions}; frame-ancestors 'none'; base-uri 'none'"
    )


def client_address() -> str:
    """The caller's address, after as many proxies as the settings trust."""
    return request.remote_addr or ""
