"""Deciding on a dispute."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from flask import Response, flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice.access.member import Member
from backoffice.access.second_person import witness
from backoffice.disputes import queries, service, sheet
from backoffice.disputes.forms import AcceptForm, RejectForm, upcoming
from backoffice.disputes.labels import GROUNDS
from backoffice.replies import queries as replies
from backoffice.replies.queries import Offered
from backoffice.replies.rules import Room
from backoffice.unheard import flash_told
from shared.disputes import service as disputes
from shared.disputes import sheets
from shared.disputes.rules import RATES_FR, UNTAXED
from shared.disputes.service import CreditWish
from shared.disputes.sheets import StaffSheet
from shared.documents.mentions import usual_exemptions
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError
from shared.kit.money import Money, MoneyParseError, format_money
from shared.kit.words import current_language, speaking
from shared.kit.words import gettext as _
from shared.web.pages import page

LONGEST_MENTION = 200
NEW_NOTE, OLD_NOTE, NO_NOTE = "new", "old", "none"


@dataclass
class Wish:
    """How it is credited, as somebody typed it: what stands in each box, and what is wrong with it."""

    how: str = NEW_NOTE
    typed: dict[uuid.UUID, str] = field(default_factory=dict)
    errors: dict[uuid.UUID, str] = field(default_factory=dict)
    number: str = ""
    note_id: str = ""
    rate: str = ""
    category: str = ""
    mention: str = ""
    complaints: list[str] = field(default_factory=list)
    minors: dict[uuid.UUID, int] = field(default_factory=dict)

    @property
    def is_wrong(self) -> bool:
        return bool(self.errors or self.complaints)

    def credit(self) -> CreditWish:
        """What the verb wants."""
        return CreditWish(
            minors=self.minors,
            number=self.number if self.how == NEW_NOTE else "",
            credit_note_id=uuid.UUID(self.note_id) if self.how == OLD_NOTE else None,
            vat_rate=Decimal(self.rate) if self.how == NEW_NOTE and self.rate else None,
            vat_category=self.category if self.how == NEW_NOTE else "",
            exemption_reason=self.mention if self.how == NEW_NOTE else "",
        )


def accept(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """The debtor is right: a credit note over all of it or a part, one that is there already, or none."""
    shown = _live(member, dispute_id)
    offered = _offered(member, shown, "accept")
    form = AcceptForm(formdata=None, data={"text": offered.text})
    upcoming(form, member.today)
    if request.method == "GET":
        return _accept_page(shown, form, _suggested(shown), offered)
    form.process(request.form)
    wish = _read(shown)
    if not form.validate() or wish.is_wrong:
        return _accept_page(shown, form, wish, offered, status=422)
    try:
        with transaction() as session:
            asked = service.accept(
                session,
                dispute_id=dispute_id,
                credit=wish.credit(),
                text=form.text.data or "",
                by=member.as_actor(),
                owed_again_on=form.owed_again_on.data,
            )
    except DomainError as error:
        wish.complaints.append(error.message)
        return _accept_page(shown, form, wish, offered, status=error.http_status)
    if asked is None:
        flash_told(_("The dispute is accepted."))
    else:
        flash(
            _("With what was given before, this credit is above the company’s limit: it waits for a second person."),
            "wait",
        )
    return sheet.back(dispute_id)


def _accept_page(shown: StaffSheet, form: AcceptForm, wish: Wish, offered: Offered, status: int = 200) -> Response:
    return page(
        "backoffice/disputes/decide/accept.html",
        status=status,
        shown=shown,
        sheet=shown.sheet,
        form=form,
        wish=wish,
        rates=RATES_FR,
        grounds=GROUNDS,
        mentions=_mentions(shown),
        longest_mention=LONGEST_MENTION,
        left=_left(shown),
        offered=offered,
    )


def _mentions(shown: StaffSheet) -> list[str]:
    """Words to choose from, in the language of the paper."""
    with speaking(shown.language):
        return usual_exemptions()


def _offered(member: Member, shown: StaffSheet, act: str) -> Offered:
    """The saved replies beside a decision."""
    with reading() as session:
        reader = queries.reader(session, member, shown)
        chosen = request.args.get("reply", "")
        return replies.offer(session, member.company_id, Room.DISPUTE, act, reader, chosen=chosen)


def _left(shown: StaffSheet) -> dict[uuid.UUID, Money]:
    """What of each part may still be credited."""
    return {part.id: Money(part.amount_minor - part.credited_minor, part.currency) for part in shown.sheet.parts}


def _suggested(shown: StaffSheet) -> Wish:
    language = current_language()
    return Wish(
        typed={part_id: format_money(left, language) for part_id, left in _left(shown).items()},
        number=shown.suggested_number,
    )


def _read(shown: StaffSheet) -> Wish:
    """What was typed into the form's table."""
    given = request.form
    how = given.get("credit", NEW_NOTE)
    wish = Wish(
        how=how if how in (NEW_NOTE, OLD_NOTE, NO_NOTE) else NEW_NOTE,
        number=given.get("number", "").strip()[:64],
        note_id=given.get("note_id", ""),
        rate=given.get("rate", ""),
        category=given.get("category", ""),
        mention=given.get("mention", "").strip()[:LONGEST_MENTION],
        typed={part.id: given.get(f"part-{part.id}", "").strip() for part in shown.sheet.parts},
    )
    if wish.how != NO_NOTE:
        _read_amounts(shown, wish)
        if not wish.errors and not any(wish.minors.values()):
            wish.complaints.append(
                _("Write beside at least one part how much is credited, or choose to credit nothing.")
            )
    if wish.how == OLD_NOTE and wish.note_id not in {str(note_id) for note_id, _number, _left in shown.credit_notes}:
        wish.complaints.append(_("Choose a credit note."))
    if wish.how == NEW_NOTE and wish.rate and not _is_rate(wish.rate):
        wish.complaints.append(_("Choose a VAT rate."))
    if wish.how == NEW_NOTE and wish.category and wish.category not in UNTAXED:
        wish.complaints.append(_("Choose why there is no VAT."))
    return wish


def _read_amounts(shown: StaffSheet, wish: Wish) -> None:
    for part_id, left in _left(shown).items():
        text = wish.typed[part_id]
        if not text:
            continue
        try:
            amount = Money.parse(text, left.currency)
        except MoneyParseError:
            wish.errors[part_id] = _("This is not an amount.")
            continue
        if not 0 <= amount.minor <= left.minor:
            wish.errors[part_id] = _("At most %(most)s.", most=format_money(left, current_language()))
        elif amount.minor:
            wish.minors[part_id] = amount.minor


def _is_rate(text: str) -> bool:
    try:
        return Decimal(text) in RATES_FR
    except InvalidOperation:
        return False


def reject(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """The debtor is wrong, and is told why."""
    shown = _live(member, dispute_id)
    offered = _offered(member, shown, "reject")
    form = RejectForm(formdata=None, data={"grounds": offered.text})
    upcoming(form, member.today)
    status = 200
    if request.method == "POST":
        form.process(request.form)
        status = 422
        if form.validate():
            try:
                _reject(member, dispute_id, form)
            except DomainError as error:
                form.grounds.errors = [error.message]
                status = error.http_status
            else:
                flash_told(_("The dispute is rejected."))
                return sheet.back(dispute_id)
    return page(
        "backoffice/disputes/decide/reject.html",
        status=status,
        shown=shown,
        sheet=shown.sheet,
        form=form,
        offered=offered,
    )


def _reject(member: Member, dispute_id: uuid.UUID, form: RejectForm) -> None:
    with transaction() as session:
        service.refuse_while_asked(session, dispute_id)
        disputes.reject(
            session,
            dispute_id=dispute_id,
            grounds=form.grounds.data or "",
            by=member.as_actor(),
            owed_again_on=form.owed_again_on.data,
        )


def withdraw(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """The debtor said that he takes it back."""

    def do(session: Session) -> None:
        service.refuse_while_asked(session, dispute_id)
        disputes.withdraw(session, dispute_id=dispute_id, by=member.as_actor(), text=request.form.get("text", ""))

    return sheet.simply(member, dispute_id, do, _("The dispute is withdrawn: the money is owed as before."))


def reopen(member: Member, dispute_id: uuid.UUID) -> ResponseReturnValue:
    """Open it again: what of it is still owed is frozen anew."""

    def do(session: Session) -> None:
        disputes.reopen(session, dispute_id=dispute_id, text=request.form.get("text", ""), by=member.as_actor())

    return sheet.simply(member, dispute_id, do, _("The dispute is open again."), is_told=True)


def approve_credit(member: Member, dispute_id: uuid.UUID, proposal_id: uuid.UUID) -> ResponseReturnValue:
    """Give a credit that somebody else asked for."""

    def do(session: Session) -> None:
        service.approve(session, dispute_id=dispute_id, proposal_id=proposal_id, by=witness(session, member.as_actor()))

    return sheet.simply(member, dispute_id, do, _("The dispute is accepted."), is_told=True)


def decline_credit(member: Member, dispute_id: uuid.UUID, proposal_id: uuid.UUID) -> ResponseReturnValue:
    """Do not give it: the dispute stays open."""

    def do(session: Session) -> None:
        service.decline(session, dispute_id=dispute_id, proposal_id=proposal_id, by=member.as_actor())

    return sheet.simply(member, dispute_id, do, _("The credit is declined; the dispute stays open."))


def _live(member: Member, dispute_id: uuid.UUID) -> StaffSheet:
    with reading() as session:
        shown = sheets.staff_sheet(session, member.company_id, dispute_id, today=member.today)
    if not shown.sheet.is_live:
        raise Conflict("dispute.closed", _("This dispute is closed. It can be opened again."))
    return shown
