"""The demo inbox: every mail that anybody in the demo sends ends here, for people at `/inbox/` and programs at `/inbox/api`."""

from __future__ import annotations

import asyncio
import email
import email.policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from payments.twins import faults, words
from payments.twins.pages import page
from payments.twins.store import Json
from payments.twins.wire import json_response
from payments.twins.words import gettext as _
from payments.twins.world import World, current_world

bp = Blueprint("inbox", __name__, url_prefix="/inbox")


_NO = {"mail_away": "421 4.3.2 not now", "mail_refused": "550 5.1.1 there is no such mailbox"}


class Postbox:
    """What aiosmtpd hands mails to."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        with self.world.store.transaction() as transaction:
            fault = faults.take(transaction, "mail", layer="mail", names=[address.lower()])
        if fault is not None:
            return _NO[fault.kind]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = _parse(envelope.content)
        with self.world.store.transaction() as transaction:
            transaction.db.execute(
                "INSERT INTO mails (received_at, sender, recipients, subject, raw) VALUES (?, ?, ?, ?, ?)",
                (
                    transaction.at,
                    envelope.mail_from or "",
                    "," + ",".join(address.lower() for address in envelope.rcpt_tos) + ",",
                    str(message["subject"] or ""),
                    envelope.content,
                ),
            )
        return "250 OK"


class Listener(Controller):
    """aiosmtpd's controller, able to listen on a port that the system chooses."""

    def _trigger_server(self) -> None:
        if isinstance(self.server, asyncio.Server):
            self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call] # aiosmtpd is half typed


def open_smtp(world: World, host: str, port: int) -> Listener:
    """Listen for mail; port 0 lets the system choose (`listener.port` tells)."""
    controller = Listener(
        Postbox(world), hostname=host, port=port, data_size_limit=40_000_000, enable_SMTPUTF8=True, decode_data=False
    )
    controller.start()
    return controller


def _parse(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("the policy makes EmailMessages")
    return message


def _rows(to: str, limit: int) -> list[Any]:
    with current_world().store.reading() as look:
        return look.db.execute(
            "SELECT * FROM mails WHERE ? = '' OR recipients LIKE '%,' || ? || ',%' OR (? AND recipients LIKE '%' || ? || '%')"
            " ORDER BY id DESC LIMIT ?",
            (to, to.lower(), "@" not in to, to.lower(), limit),
        ).fetchall()


def _one(mail_id: int) -> Any:
    with current_world().store.reading() as look:
        return look.db.execute("SELECT * FROM mails WHERE id = ?", (mail_id,)).fetchone()


def _recipients(row: Any) -> list[str]:
    return [address for address in str(row["recipients"]).split(",") if address]


def _text(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body(preferencelist=(kind,))
    return None if part is None else str(part.get_content())


@bp.get("/")
def list_() -> Response:
    words.choose()
    to = request.args.get("to", "").strip()
    mails = [
        {
            "id": row["id"],
            "at": row["received_at"],
            "to": _recipients(row),
            "subject": row["subject"],
            "from": row["sender"],
        }
        for row in _rows(to, 200)
    ]
    return page("inbox.html", mails=mails, to=to)


@bp.get("/<int:mail_id>")
def show(mail_id: int) -> Response:
    words.choose()
    row = _one(mail_id)
    if row is None:
        return page("message.html", status=404, title=_("This mail is no longer there"), text="")
    message = _parse(row["raw"])
    return page(
        "mail.html",
        mail=row,
        recipients=_recipients(row),
        sender=str(message["from"] or row["sender"]),
        text=_text(message, "plain"),
        has_html=_text(message, "html") is not None,
        headers=[(name, str(value)) for name, value in message.items()],
        attachments=[
            (index, part.get_filename() or f"part-{index}", len(part.get_payload(decode=True) or b""))
            for index, part in enumerate(message.iter_attachments())
        ],
    )


@bp.get("/<int:mail_id>/html")
def html(mail_id: int) -> Response:
    """The HTML part alone, for the frame: no script may run, nothing may be fetched, links open outside."""
    row = _one(mail_id)
    body = _text(_parse(row["raw"]), "html") if row else None
    if body is None:
        return Response(status=404)
    response = Response(f'<base target="_blank">{body}', content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; font-src data:; sandbox"
        " allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
    )
    return response


@bp.get("/<int:mail_id>/raw")
def raw(mail_id: int) -> Response:
    row = _one(mail_id)
    return Response(row["raw"], content_type="text/plain; charset=utf-8") if row else Response(status=404)


@bp.get("/<int:mail_id>/attachments/<int:index>")
def attachment(mail_id: int, index: int) -> Response:
    row = _one(mail_id)
    parts = list(_parse(row["raw"]).iter_attachments()) if row else []
    if index >= len(parts):
        return Response(status=404)
    part = parts[index]
    content = part.get_payload(decode=True)
    response = Response(content if isinstance(content, bytes) else b"", content_type=part.get_content_type())
    response.headers.set("Content-Disposition", "attachment", filename=part.get_filename() or f"part-{index}")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@bp.get("/api")
def api() -> Response:
    """`?to=address`: the mails to an address, newest first, bodies included."""
    return json_response({"mails": [_as_json(row) for row in _rows(request.args.get("to", ""), 500)]})


def _as_json(row: Any) -> Json:
    message = _parse(row["raw"])
    return {
        "id": row["id"],
        "received_at": row["received_at"],
        "from": row["sender"],
        "to": _recipients(row),
        "subject": row["subject"],
        "headers": {name: str(value) for name, value in message.items()},
        "text": _text(message, "plain"),
        "html": _text(message, "html"),
        "attachments": [
            {
                "name": part.get_filename(),
                "type": part.get_content_type(),
                "size": len(part.get_payload(decode=True) or b""),
                "url": f"/inbox/{row['id']}/attachments/{index}",
            }
            for index, part in enumerate(message.iter_attachments())
        ],
    }


@bp.delete("/api")
def clear() -> Response:
    with current_world().store.transaction() as transaction:
        transaction.db.execute("DELETE FROM mails")
    return json_response({"mails": []})


@bp.post("/clear")
def clear_page() -> BaseResponse:
    from flask import redirect

    clear()
    return redirect("/inbox/", 303)
