"""My payments: the list, one of them in true words, its receipt."""

from __future__ import annotations

import uuid
from typing import Any, cast

from flask import Response

from payments import papers, queries
from payments.chargebacks import queries as chargebacks
from payments.labels import MEANS, REFUND_FOR_DEBTOR, payment_words, why_failed
from payments.queries import PaymentStory, Step
from payments.status import COLLECTED, IN_FLIGHT, PaymentStatus
from portal.downloads import download
from portal.labels import chargeback_words
from shared.access.queries import Visitor
from shared.documents.facts import Language
from shared.kit.db import reading
from shared.kit.templating import day, moment
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.web.pages import page

SHOWN = 200


def list_(visitor: Visitor) -> Response:
    """What was paid, is on its way, or did not go through; the newest first."""
    with reading() as session:
        lines = queries.payments_of(session, visitor.debtor_id, limit=SHOWN)
    return page("portal/payments/list.html", lines=lines, words=payment_words, means=MEANS)


def show(visitor: Visitor, payment_id: uuid.UUID) -> Response:
    """One payment: where it stands, what it settles, what happened."""
    story = papers.story_of(payment_id, visitor.debtor_id)
    line = story.line
    with reading() as session:
        case = chargebacks.of_payment(session, payment_id)
    return page(
        "portal/payments/show.html",
        story=story,
        line=line,
        words=payment_words(line.status, line.means, had_come=line.confirmed_at is not None),
        means=MEANS[line.means],
        reason=why_failed(line.failure_code) if line.status in _WENT_WRONG else "",
        events=_events(story, visitor.company.zone),
        case=case,
        case_words=chargeback_words(case.state) if case else "",
        has_receipt=line.status in COLLECTED,
        may_stop=line.status in IN_FLIGHT and not line.is_automatic,
    )


_WENT_WRONG = (PaymentStatus.FAILED, PaymentStatus.CHARGED_BACK)


def receipt(visitor: Visitor, payment_id: uuid.UUID) -> Response:
    """The receipt of a payment that has arrived."""
    story = papers.story_of(payment_id, visitor.debtor_id)
    kept = papers.receipt(story, language=cast("Language", current_language()))
    return download(kept.content, kept.name, kept.media_type)


def _events(story: PaymentStory, zone: str) -> list[dict[str, Any]]:
    """The steps of a payment for `components/timeline.html`, and its refunds; steps that say nothing new are left out."""
    events: list[dict[str, Any]] = []
    said = ""
    for step in story.steps:
        words = payment_words(step.after, story.line.means)
        if str(words.word) == said:
            continue
        said = str(words.word)
        events.append({"title": _title(step, story), "tone": words.tone, "when": moment(step.at, zone)})
    for refund in story.refunds:
        words = REFUND_FOR_DEBTOR[refund.status]
        when = moment(refund.done_at or refund.created_at, zone)
        title = _("Refund: %(state)s", state=words.word)
        events.append({"title": title, "tone": words.tone, "when": when, "amount": refund.money, "icon": "undo"})
    line = story.line
    if line.status in IN_FLIGHT and line.expected_on:
        title = _("We should have received it")
        events.append({"title": title, "when": day(line.expected_on), "tone": "neutral", "ahead": True})
    return events


def _title(step: Step, story: PaymentStory) -> str:
    if step.before is None:
        by = story.line
        return _("Planned automatically") if by.is_automatic else _("Begun")
    if step.before in COLLECTED and step.after not in COLLECTED:
        return _("Taken back by your bank")
    return str(payment_words(step.after, story.line.means).word)
