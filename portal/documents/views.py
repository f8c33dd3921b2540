"""My papers: the account statement, an archive of chosen invoices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

from flask import Response, request
from flask.typing import ResponseReturnValue

from payments.standing import standing
from portal import choice
from portal.documents.forms import StatementForm
from portal.downloads import download
from shared.access.queries import Visitor
from shared.documents import keep
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
    form = StatementForm(formdata=None, since=date(today.year, 1, 1), until=today)
    return page("portal/documents/overview.html", form=form)


def statement(visitor: Visitor) -> ResponseReturnValue:
    """The account between two days, as PDF or as a workbook."""
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
        return page("portal/documents/overview.html", status=422, form=form)
    asked = {
        "since": form.since.data,
        "until": form.until.data,
        "today": today,
        "language": cast("Language", current_language()),
    }
    if form.form.data == "xlsx":
        sheet = keep.statement_sheet(visitor.debtor_id, **asked)
        return download(sheet.content, sheet.name, sheet.media_type)
    with transaction() as session:
        if not limits.hit(
            session, f"statement:{visitor.debtor_id}", limit=STATEMENTS_AN_HOUR, window=timedelta(hours=1)
        ):
            form.since.errors = [_("You have asked for many statements in the last hour. Please wait a little.")]
            return page("portal/documents/overview.html", status=429, form=form)
    kept = keep.statement(visitor.debtor_id, **asked)
    return download(kept.content, kept.name, kept.media_type)


def bundle(visitor: Visitor) -> Response:
    """A ZIP of the chosen invoices."""
    with reading() as session:
        wanted = choice.asked_for(session, visitor.debtor_id)
    pieces = keep.bundle(visitor.debtor_id, wanted, standing)
    return download(pieces, _("Invoices %(account)s", account=visitor.account_code) + ".zip", "application/zip")
