"""My papers: the account statement, an archive of chosen invoices."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any, cast

from flask import Response, request
from flask.typing import ResponseReturnValue

from payments.standing import standing
from portal import choice
from portal.documents.forms import StatementForm
from portal.downloads import download, serve
from shared.access.queries import Visitor
from shared.documents import keep, orders
from shared.documents.facts import Language
from shared.kit import limits
from shared.kit.db import reading, transaction
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.web.pages import page

LONGEST = timedelta(days=3_700)
STATEMENTS_AN_HOUR = 20
"""On paper, of one account: each is a second of a processor and a file."""


def overview(visitor: Visitor) -> Response:
    """What can be downloaded."""
    today = visitor.today
    return _overview(visitor, StatementForm(formdata=None, since=date(today.year, 1, 1), until=today))


def _overview(visitor: Visitor, form: StatementForm, *, status: int = 200) -> Response:
    with reading() as session:
        ordered = orders.recent(session, visitor.debtor_id)
    return page("portal/documents/overview.html", status=status, form=form, ordered=ordered)


def statement(visitor: Visitor) -> ResponseReturnValue:
    """The account between two days, as PDF, workbook or CSV."""
    today = visitor.today
    form = StatementForm(request.args)
    form.since.today = form.until.today = today
    is_valid = form.validate()
    if is_valid and form.since.data > form.until.data:
        form.since.errors = [_("The first day is after the last one.")]
        is_valid = False
    if is_valid and form.until.data - form.since.data > LONGEST:
        form.since.errors = [_("A statement covers ten years at most.")]
        is_valid = False
    if not is_valid:
        return _overview(visitor, form, status=422)
    asked: dict[str, Any] = {
        "since": form.since.data,
        "until": form.until.data,
        "today": today,
        "language": cast("Language", current_language()),
    }
    if form.form.data != "pdf":
        sheet = keep.statement_table(visitor.debtor_id, **asked, form=form.form.data)
        return download(sheet.content, sheet.name, sheet.media_type)
    with transaction() as session:
        if not limits.hit(
            session, f"statement:{visitor.debtor_id}", limit=STATEMENTS_AN_HOUR, window=timedelta(hours=1)
        ):
            form.since.errors = [_("You have asked for many statements in the last hour. Please wait a little.")]
            return _overview(visitor, form, status=429)
    kept = orders.statement(visitor.debtor_id, **asked, by=visitor.contact_id)
    return serve(kept)


def order(visitor: Visitor, order_id: uuid.UUID) -> Response:
    """How far a long paper has come."""
    with reading() as session:
        return page("portal/documents/order.html", order=orders.get(session, visitor.debtor_id, order_id))


def ordered(visitor: Visitor, order_id: uuid.UUID) -> ResponseReturnValue:
    """The long paper, once it is ready."""
    with reading() as session:
        found = orders.get(session, visitor.debtor_id, order_id)
    return serve(orders.file(found) if found.document_id else found.id)


def bundle(visitor: Visitor) -> Response:
    """A ZIP of the chosen invoices."""
    with reading() as session:
        wanted = choice.asked_for(session, visitor.debtor_id)
    pieces = keep.bundle(visitor.debtor_id, wanted, standing)
    return download(pieces, _("Invoices %(account)s", account=visitor.account_code) + ".zip", "application/zip")
