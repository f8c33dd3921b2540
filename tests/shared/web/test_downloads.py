from __future__ import annotations

import io
from email.message import Message

import pytest
from flask import Flask, request
from werkzeug.datastructures import FileStorage

from shared.attachments.queries import Download
from shared.attachments.rules import LARGEST_FILE
from shared.web import downloads
from shared.web.app import build

NAMES = [
    "reçu n° 7.pdf",
    'x".pdf',
    "x\r\nSet-Cookie: a=b.pdf",
    "写真.png",
    "a" * 300 + ".pdf",
    "../../x.pdf",
    "\u202efdp.exe",
]


@pytest.fixture
def app(settings) -> Flask:
    app = build("portal", settings, cookie="guichet")
    app.config["WTF_CSRF_ENABLED"] = False
    app.add_url_rule("/file", "file", lambda: downloads.hand_out(Download("a.txt", "text/plain", b"<script>")))
    app.add_url_rule("/take", "take", lambda: str(len(request.files.getlist("file"))), methods=["POST"])
    app.add_url_rule("/other", "other", lambda: str(len(request.files.getlist("file"))), methods=["POST"])
    return app


def test_a_strangers_file_is_a_download_in_a_sandbox(app: Flask) -> None:
    answer = app.test_client().get("/file")

    assert answer.headers["Content-Disposition"] == "attachment; filename=a.txt"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    policy = [part.strip() for part in answer.headers["Content-Security-Policy"].split(";")]
    assert policy == [
        "default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "sandbox"
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_inside_its_header(app: Flask, name: str) -> None:
    with app.test_request_context():
        header = downloads.hand_out(Download(name, "application/pdf", b"x")).headers["Content-Disposition"]

    parsed = Message()
    parsed["Content-Disposition"] = header
    assert parsed.get_content_disposition() == "attachment"
    assert "\n" not in header
    assert "\r" not in header
    assert not {"/", "\\", "\u202e"} & set(parsed.get_filename() or "/")


@pytest.mark.parametrize(
    ("media_type", "served"),
    [
        ("application/pdf", "application/pdf"),
        ("image/jpeg", "image/jpeg"),
        ("text/plain", "application/octet-stream"),
        ("text/html", "application/octet-stream"),
        ("image/svg+xml", "application/octet-stream"),
    ],
)
def test_only_types_that_nothing_runs_are_named(app: Flask, media_type: str, served: str) -> None:
    with app.test_request_context():
        assert downloads.hand_out(Download("a", media_type, b"x")).content_type == served


def test_a_chooser_that_was_left_empty_gives_no_file() -> None:
    assert downloads.uploads([FileStorage(io.BytesIO(b""), filename="")]) == []


def test_of_a_file_too_large_no_more_is_read_than_tells_so() -> None:
    [sent] = downloads.uploads([FileStorage(io.BytesIO(b"a" * (LARGEST_FILE + 5000)), filename="a.txt")])

    assert len(sent.content) == LARGEST_FILE + 1


@pytest.mark.parametrize(
    ("is_known", "path", "status"), [(True, "/take", 200), (False, "/take", 413), (True, "/other", 413)]
)
def test_only_somebody_signed_in_may_send_much_and_only_to_forms_with_files(
    app: Flask, *, is_known: bool, path: str, status: int
) -> None:
    downloads.allow_files(app, "take", who=lambda: is_known)

    assert app.test_client().post(path, **form(20)).status_code == status


def test_even_somebody_signed_in_may_not_send_more_than_a_submission(app: Flask) -> None:
    downloads.allow_files(app, "take", who=lambda: True)

    assert app.test_client().post("/take", **form(27)).status_code == 413


def form(megabytes: int) -> dict[str, object]:
    """A form with one file of that size, as a browser sends it."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    body = head + b"a" * (megabytes * 1024 * 1024) + b"\r\n--x--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=x"}
