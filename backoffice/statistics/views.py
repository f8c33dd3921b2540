"""Quality: how many claims, how soon answered, what is kept of what was said."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from flask import request
from flask.typing import ResponseReturnValue

from backoffice import exports
from backoffice.access.member import Member
from backoffice.labels import word
from backoffice.statistics import queries
from backoffice.statistics.queries import Figures
from shared.kit.db import reading
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.web.pages import page

PERIODS = (30, 90, 365)


def quality(member: Member) -> ResponseReturnValue:
    """The figures of the last days."""
    days = _days()
    return page(
        "backoffice/statistics/quality.html",
        found=_read(member, days),
        days=days,
        periods=PERIODS,
        currency=member.desk.currency,
        duration=duration,
    )


def export(member: Member, form: str) -> ResponseReturnValue:
    """The same figures as a file."""
    days = _days()

    def rows() -> Iterator[exports.Row]:
        yield from _rows(_read(member, days), member.desk.currency)

    header = [_("Subject"), _("Figure"), _("How many"), _("Amount")]
    return exports.answer(member, form, "quality", header, rows, asked=request.full_path)


def _days() -> int:
    asked = request.args.get("days", "")
    return int(asked) if asked in {str(each) for each in PERIODS} else PERIODS[1]


def _read(member: Member, days: int) -> Figures:
    with reading() as session:
        return queries.figures(
            session,
            member.company_id,
            days=days,
            today=member.today,
            zone=member.desk.zone,
            currency=member.desk.currency,
        )


def duration(hours: float | None) -> str:
    """A time to answer in words."""
    if hours is None:
        return "–"
    if hours < 1:
        return _("less than an hour")
    if hours < 48:
        return ngettext("%(n)s hour", "%(n)s hours", round(hours))
    return ngettext("%(n)s day", "%(n)s days", round(hours / 24))


def _rows(found: Figures, currency: str) -> Iterator[exports.Row]:
    contested, said, agreed, paid = found.disputes, found.promises, found.plans, found.declarations
    subject = _("Disputes")
    yield (subject, _("Raised"), contested.raised, Money(contested.claimed_minor, currency))
    yield (subject, _("Claim rate"), round(contested.claim_rate, 4), None)
    yield (subject, _("Credited"), None, Money(contested.credited_minor, currency))
    yield (subject, _("Frozen now"), None, Money(contested.frozen_minor, currency))
    yield (subject, _("Half are answered within, in hours"), _rounded(contested.median_hours), None)
    yield (subject, _("Nine in ten within, in hours"), _rounded(contested.p90_hours), None)
    yield (subject, _("Answered late"), contested.overdue, None)
    for status, number in found.by_status:
        yield (subject, word(status), number, None)
    for reason, number, minor in contested.by_reason:
        yield (subject, reason.label, number, Money(minor, currency))
    subject = _("Promises")
    yield (subject, _("Promises given"), said.given, said.promised)
    yield (subject, _("Kept"), said.kept, said.came)
    yield (subject, _("Broken"), said.broken, None)
    subject = _("Plans")
    yield (subject, _("Accepted"), agreed.accepted, None)
    yield (subject, _("Completed"), agreed.completed, None)
    yield (subject, _("Defaulted"), agreed.defaulted, None)
    yield (subject, _("Still to pay under a plan"), None, agreed.under_plan)
    subject = _("Declared transfers")
    yield (subject, _("Declared"), paid.declared, paid.amount)
    yield (subject, _("Matched"), paid.matched, paid.matched_amount)


def _rounded(hours: float | None) -> Decimal | None:
    return None if hours is None else Decimal(round(hours, 1))
