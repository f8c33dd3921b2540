"""Debtors: the list, one debtor's page, and its small acts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Literal

from flask import flash, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from backoffice import exports, files
from backoffice.access.member import Member
from backoffice.access.second_person import must_be_independent
from backoffice.debtors import browse as browsing
from backoffice.debtors import merge as merging
from backoffice.debtors import queries
from backoffice.debtors.forms import ContactForm, DetailsForm, MergeForm, NoteForm, PauseForm
from backoffice.debtors.said import said
from backoffice.debtors.story import STRANDS, story
from backoffice.listing import asked, is_fragment, sentence
from backoffice.people import tell_those_there
from payments.plans import queries as plans
from shared.access.models import LinkPurpose
from shared.access.service import revoke_links
from shared.debtors import service as debtors
from shared.debtors.erased import AskedToBeErased
from shared.debtors.models import Contact, ContactRole, Debtor
from shared.documents import keep, orders
from shared.kit import audit, clock, templating
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, NotFound
from shared.kit.ids import new_id
from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.messages import service as messages
from shared.web import unsent
from shared.web.pages import page, see_other


def browse(member: Member) -> ResponseReturnValue:
    """The list."""
    ask = asked("state")
    with reading() as session:
        found = browsing.browse(session, member.company_id, ask, today=member.today)
        totals = browsing.totals(session, member.company_id, ask, currency=member.desk.currency, today=member.today)
    if ask.wants_totals and totals and is_fragment():
        words = ngettext("Total of %(n)s debtor", "Total of %(n)s debtors", totals.count)
        return sentence(words, [(_("Late"), totals.late), (_("Credit"), totals.credit), (_("Open"), totals.open)])
    return page(
        "backoffice/debtors/browse.html",
        ask=ask,
        found=found,
        totals=totals,
        orders=browsing.ORDERS,
        today=member.today,
    )


def export(member: Member, form: str) -> ResponseReturnValue:
    """The list as a file."""
    ask = asked("state")

    def rows() -> Iterator[exports.Row]:
        with reading() as session:
            for row in browsing.everything(session, member.company_id, ask, today=member.today):
                yield (
                    row.code,
                    row.name,
                    row.city,
                    row.invoice_count,
                    row.open,
                    row.late,
                    row.days_late,
                    row.credit,
                    row.autopay,
                    row.has_mandate,
                    row.paused_until,
                )

    header = [
        _("Account"),
        _("Debtor"),
        _("City"),
        _("Open items"),
        _("Open"),
        _("Late"),
        _("Days late"),
        _("Credit"),
        _("Autopay"),
        _("Mandate"),
        _("Reminders paused until"),
    ]
    return exports.answer(member, form, "debtors", header, rows, asked=request.full_path)


def show(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """One debtor's whole story."""
    strand = request.args.get("story", "")
    before = _moment(request.args.get("before", ""))
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
        if debtor.merged_into_id:  # whoever kept the address of the old account is led on
            return see_other("backoffice.debtors.show", debtor_id=debtor.merged_into_id)
        told = story(session, debtor_id, strand=strand, before=before)
        most = debtor.autopay_maximum_minor
        return page(
            "backoffice/debtors/show.html",
            debtor=debtor,
            address=", ".join(part for part in (debtor.street, f"{debtor.postcode} {debtor.city}".strip()) if part),
            autopay_most=Money(most, debtor.currency) if most is not None else None,
            balance=queries.balance(session, debtor, member.today),
            items=queries.open_items(session, debtor_id),
            events=[event.drawn(member.desk.zone) for event in told.events],
            older_than=told.older_than,
            strand=strand if strand in STRANDS else "",
            before=before,
            contacts=queries.contacts(session, debtor_id),
            now=clock.now(),
            mandates=queries.mandates(session, debtor_id),
            said=said(session, debtor_id, today=member.today),
            plans=plans.plans_of(session, debtor_id, limit=5),
            aliases=queries.aliases(session, debtor_id),
            attempt=new_id(),
            today=member.today,
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def statement(member: Member, debtor_id: uuid.UUID, form: str) -> ResponseReturnValue:
    """The account statement of the last twelve months, as PDF, workbook or CSV, in the debtor's language."""
    with reading() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
    today = member.today
    since = today.replace(day=1) - timedelta(days=365)
    if form == "pdf":
        made = orders.statement(debtor_id, since=since, until=today, today=today, language=None, by=member.id)
        return files.serve(made, debtor_id)
    if form in {"xlsx", "csv"}:
        wanted: Literal["xlsx", "csv"] = "csv" if form == "csv" else "xlsx"
        return files.answer(keep.statement_table(debtor_id, since=since, until=today, today=today, form=wanted))
    raise NotFound("statement.form", _("There is no such file."))


def paper(member: Member, debtor_id: uuid.UUID, order_id: uuid.UUID) -> ResponseReturnValue:
    """How far a long paper of this debtor has come."""
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
        return page("backoffice/debtors/paper.html", debtor=debtor, order=orders.get(session, debtor_id, order_id))


def paper_file(member: Member, debtor_id: uuid.UUID, order_id: uuid.UUID) -> ResponseReturnValue:
    """The long paper, once it is ready."""
    with reading() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
        found = orders.get(session, debtor_id, order_id)
    return files.serve(orders.file(found) if found.document_id else found.id, debtor_id)


def links(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Every link that was made for this debtor."""
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
        return page(
            "backoffice/debtors/links.html", debtor=debtor, links=queries.links(session, debtor_id), now=clock.now()
        )


def send_link(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Write a message with a new link to one of the debtor's people. The same form sent twice is one message."""
    contact_id = _uuid(request.form.get("contact", ""))
    attempt = _uuid(request.form.get("attempt", ""))
    with transaction() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
        contact = queries.get_contact(session, debtor_id, contact_id)
        written = messages.write(
            session,
            kind="link",
            debtor_id=debtor_id,
            contact_ids=[contact_id],
            link=LinkPurpose.STAFF,
            reason=lambda: _("Our staff sent you this link."),
            dedupe_key=f"staff-link:{attempt}",
        )
        if written:
            audit.record(
                session,
                member.as_actor(),
                "link.sent",
                subject_type="contact",
                subject_id=contact_id,
                company_id=member.company_id,
                debtor_id=debtor_id,
                after={"email": contact.email},
            )
    if contact.bounced_at is not None:
        raise Conflict("contact.bounced", _("Messages to this address were refused. Correct the address first."))
    flash(_("A message with a new link goes to %(email)s.", email=contact.email), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id)


def revoke(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Close one link, all links of a person, or all links of the debtor, with the sessions that they opened."""
    link_id, contact_id = request.form.get("link", ""), request.form.get("contact", "")
    with transaction() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
        count = revoke_links(
            session,
            debtor_id=debtor_id,
            link_id=_uuid(link_id) if link_id else None,
            contact_id=_uuid(contact_id) if contact_id else None,
            by=member.as_actor(),
        )
    flash(_("Links closed: %(count)s. Whoever had one of them is out.", count=count), "good")
    return see_other("backoffice.debtors.links", debtor_id=debtor_id)


def add_note(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a note."""
    form = NoteForm()
    if not form.validate():
        return unsent.not_taken(form, "backoffice.debtors.show", debtor_id=debtor_id)
    with transaction() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
        debtors.add_note(session, debtor_id=debtor_id, text=(form.text.data or "").strip(), by=member.as_actor())
    flash(_("The note is kept."), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id, _anchor="story")


def pause(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Send no reminders until a day."""
    form = PauseForm()
    form.until.today = member.today
    form.process(request.form)
    if form.validate() and form.until.data < member.today:
        form.until.errors = [_("Write a day that is still to come, and why.")]
    if form.errors:
        return unsent.not_taken(form, "backoffice.debtors.show", debtor_id=debtor_id)
    with transaction() as session:
        debtor = _locked(session, member, debtor_id)
        debtors.pause_reminders(
            session, debtor=debtor, until=form.until.data, reason=form.reason.data or "", by=member.as_actor()
        )
    flash(_("No reminders until %(day)s.", day=templating.day(form.until.data)), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id)


def resume(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """End the pause."""
    with transaction() as session:
        debtor = _locked(session, member, debtor_id)
        debtors.pause_reminders(session, debtor=debtor, until=None, reason="", by=member.as_actor())
    flash(_("Reminders go on."), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id)


def add_contact(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Let another person act for the debtor."""
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
    form = ContactForm(data={"language": debtor.language, "role": ContactRole.OWNER.value, "is_reminded": True})
    if form.validate_on_submit():
        try:
            contact = _add_contact(member, debtor_id, form)
        except AskedToBeErased as error:
            form.why_back.errors = [error.message]
        else:
            flash(
                _(
                    "%(email)s may now see and pay. More opens in three days, or once a holder of the account or a manager agrees.",
                    email=contact.email,
                ),
                "good",
            )
            return see_other("backoffice.debtors.show", debtor_id=debtor_id)
    status = 422 if form.is_submitted() else 200
    return page("backoffice/debtors/contact.html", status=status, debtor=debtor, form=form, contact=None)


def _add_contact(member: Member, debtor_id: uuid.UUID, form: ContactForm) -> Contact:
    with transaction() as session:
        locked = _locked(session, member, debtor_id)
        email = form.email.data or ""
        tell_those_there(
            session, debtor_id, lambda: _("Our staff have given %(email)s access to your account.", email=email)
        )
        contact = debtors.add_contact(
            session,
            debtor=locked,
            email=email,
            name=(form.name.data or "").strip(),
            language=form.language.data,
            role=ContactRole(form.role.data),
            is_reminded=bool(form.is_reminded.data),
            why_back=form.why_back.data or "",
            by=member.as_actor(),
        )
        contact.phone = contact.phone or (form.phone.data or "").strip()
    return contact


def edit_contact(member: Member, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Correct a person."""
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
        contact = queries.get_contact(session, debtor_id, contact_id)
    stored = {
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "language": contact.language,
        "role": contact.role.value,
        "is_reminded": contact.is_reminded,
    }
    form = ContactForm(data=stored)
    if form.validate_on_submit() and not form.met_another(ContactForm(formdata=None, data=stored)):
        try:
            _change_contact(member, debtor_id, contact, form)
        except AskedToBeErased as error:
            form.why_back.errors = [error.message]
        except DomainError as error:
            form.email.errors = [error.message]
        else:
            flash(_("Saved."), "good")
            return see_other("backoffice.debtors.show", debtor_id=debtor_id)
    status = 422 if form.is_submitted() else 200
    return page("backoffice/debtors/contact.html", status=status, debtor=debtor, form=form, contact=contact)


def edit(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Correct who the debtor is: name, kind, numbers, address, language."""
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
    names = [each.name for each in fields(debtors.DebtorDetails)]
    stored = {name: getattr(debtor, name) for name in names} | {"kind": debtor.kind.value}
    form = DetailsForm(data=stored)
    if form.validate_on_submit() and not form.met_another(DetailsForm(formdata=None, data=stored)):
        with transaction() as session:
            locked = _locked(session, member, debtor_id)
            debtors.change_debtor(session, debtor=locked, details=form.details(), by=member.as_actor())
        flash(_("Saved."), "good")
        return see_other("backoffice.debtors.show", debtor_id=debtor_id)
    status = 422 if form.is_submitted() else 200
    return page("backoffice/debtors/edit.html", status=status, debtor=debtor, form=form)


def merge(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Which account takes this one over, and what that means; nothing is done yet."""
    form = MergeForm(formdata=request.args) if "into" in request.args else MergeForm(formdata=None)
    with reading() as session:
        debtor = queries.get_debtor(session, member.company_id, debtor_id)
        code = (form.into.data or "").strip()
        into = queries.find_by_code(session, member.company_id, code) if code else None
        if code and into is None:
            form.into.errors = [_("There is no debtor with code %(code)s.", code=code)]
        found = merging.look(session, debtor, into) if into else None
        return page(
            "backoffice/debtors/merge.html", debtor=debtor, form=form, found=found, status=422 if form.errors else 200
        )


def do_merge(member: Member, debtor_id: uuid.UUID) -> ResponseReturnValue:
    """Let the account go into the other one."""
    with reading() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
    if not request.form.get("into"):
        flash(_("Write a customer code."), "error")
        return see_other("backoffice.debtors.merge", debtor_id=debtor_id)
    into_id = _uuid(request.form["into"])
    with transaction() as session:
        queries.get_debtor(session, member.company_id, debtor_id)
        into = queries.get_debtor(session, member.company_id, into_id)
        merging.merge(session, old_id=debtor_id, into_id=into_id, by=member.as_actor())
        name = into.name
    flash(_("Both accounts are one now: %(name)s.", name=name), "good")
    return see_other("backoffice.debtors.show", debtor_id=into_id)


def _change_contact(member: Member, debtor_id: uuid.UUID, contact: queries.ContactRow, form: ContactForm) -> None:
    with transaction() as session:
        debtor = _locked(session, member, debtor_id)
        before, after = contact.email, form.email.data or ""
        if after != before:
            for each in queries.debtors_of(session, contact.id):
                tell_those_there(
                    session,
                    each,
                    lambda: _(
                        "Our staff have changed the address %(before)s to %(after)s.", before=before, after=after
                    ),
                    leaving=contact.id,
                )
        elif form.role.data != contact.role.value and form.role.data == ContactRole.OWNER.value:
            tell_those_there(
                session, debtor_id, lambda: _("Our staff have made %(email)s a holder of your account.", email=before)
            )
        debtors.change_contact(
            session,
            debtor=debtor,
            contact_id=contact.id,
            name=form.name.data or "",
            email=form.email.data or "",
            phone=form.phone.data or "",
            language=form.language.data or debtor.language,
            role=ContactRole(form.role.data),
            is_reminded=bool(form.is_reminded.data),
            why_back=form.why_back.data or "",
            by=member.as_actor(),
        )
        if form.email.data != contact.email:  # whoever reads the old address must not come in any more
            for each in queries.debtors_of(session, contact.id):
                revoke_links(session, debtor_id=each, contact_id=contact.id, by=member.as_actor())


def remove_contact(member: Member, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> ResponseReturnValue:
    """End a person's acting for the debtor; its links close."""
    with transaction() as session:
        _locked(session, member, debtor_id)
        email = queries.get_contact(session, debtor_id, contact_id).email
        tell_those_there(
            session,
            debtor_id,
            lambda: _("Our staff have ended the access of %(email)s to your account.", email=email),
            leaving=contact_id,
        )
        debtors.remove_contact(session, debtor_id=debtor_id, contact_id=contact_id, by=member.as_actor())
        revoke_links(session, debtor_id=debtor_id, contact_id=contact_id, by=member.as_actor())
    flash(_("This person no longer acts for this account."), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id)


def agree_to_contact(member: Member, debtor_id: uuid.UUID, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Agree to a person whom a colleague added."""
    with transaction() as session:
        _locked(session, member, debtor_id)
        found = queries.get_contact(session, debtor_id, contact_id)
        if found.trusted_from is not None:
            must_be_independent(
                session,
                member.as_actor(),
                asked_by_id=found.added_by_id,
                asked_at=found.trusted_from - debtors.TRUST_AFTER,
            )
        debtors.agree(session, debtor_id=debtor_id, contact_id=contact_id, by=member.as_actor())
    flash(_("%(email)s may now do what the role allows.", email=found.email), "good")
    return see_other("backoffice.debtors.show", debtor_id=debtor_id)


def _locked(session: Session, member: Member, debtor_id: uuid.UUID) -> Debtor:
    queries.get_debtor(session, member.company_id, debtor_id)
    return debtors.lock_account(session, debtor_id)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound("id.malformed", _("There is no such thing.")) from error
