"""What staff do on a debtor's page."""

from __future__ import annotations

import re
import uuid
from datetime import date

import pytest
from sqlalchemy import select

from backoffice.access.permissions import Role
from payments.models import Means
from payments.receipts.service import record_receipt
from shared.access.models import LinkPurpose, MagicLink, PortalSession
from shared.access.service import make_link
from shared.company.models import Company
from shared.debtors import erased
from shared.debtors.models import Contact, Debtor, DebtorContact, DebtorNote
from shared.kit import audit, clock, tokens
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.ids import new_id
from shared.messages.models import Message
from tests.support.people import SYSTEM, a_debtor, an_invoice


@pytest.fixture
def contact(world) -> uuid.UUID:
    with reading() as session:
        return session.scalars(select(DebtorContact.contact_id).where(DebtorContact.debtor_id == world.dora)).one()


def actions(world) -> list[str]:
    with reading() as session:
        return list(
            session.scalars(select(AuditLine.action).where(AuditLine.debtor_id == world.dora).order_by(AuditLine.id))
        )


def test_the_page_tells_the_whole_story(ines, world):
    page = ines.get(f"/debtors/{world.dora}").text

    assert "€200.00" in page
    assert "€120.00" in page
    assert "10 days late" in page
    assert "F-2026-002" in page
    assert "411dora@client.example" in page


@pytest.mark.parametrize("strand", ["invoices", "payments", "messages", "links", "notes", "acts", "rubbish"])
def test_each_strand_of_the_story_can_be_read_alone(ines, world, strand):
    assert ines.get(f"/debtors/{world.dora}?story={strand}&before=2027-01-01T00:00:00%2B00:00").status_code == 200


def test_a_link_is_sent_once_however_often_the_form_is(ines, world, contact):
    form = {"contact": contact, "attempt": new_id()}

    for _ in range(2):
        assert ines.post(f"/debtors/{world.dora}/links", form).status_code == 303

    with reading() as session:
        message = session.scalars(select(Message)).one()
    assert (message.to_address, message.link_purpose) == ("411dora@client.example", LinkPurpose.STAFF)
    assert actions(world).count("link.sent") == 1


def test_no_link_goes_to_somebody_else(ines, world):
    with reading() as session:
        stranger = session.scalars(
            select(DebtorContact.contact_id).where(DebtorContact.debtor_id == world.foreign_debtor)
        ).one()

    answer = ines.post(f"/debtors/{world.dora}/links", {"contact": stranger, "attempt": new_id()})

    assert answer.status_code == 404


def test_closing_a_link_ends_the_sessions_it_opened(ines, world, contact):
    with transaction() as session:
        make_link(session, debtor_id=world.dora, contact_id=contact, purpose=LinkPurpose.STAFF)
        session.flush()
        link = session.scalars(select(MagicLink)).one()
        session.add(
            PortalSession(
                token_hash=tokens.digest("x"),
                link_id=link.id,
                debtor_id=world.dora,
                contact_id=contact,
                created_at=clock.now(),
                seen_at=clock.now(),
            )
        )

    ines.post(f"/debtors/{world.dora}/links/revoke", {"link": link.id})

    with reading() as session:
        assert session.scalars(select(MagicLink)).one().revoked_by == "Inès Morel"
        assert session.scalars(select(PortalSession)).one().ended_at is not None
    assert "closed by Inès Morel" in ines.get(f"/debtors/{world.dora}/links").text
    assert "link.revoked" in actions(world)


def test_a_note_is_kept_with_its_author(ines, world):
    ines.post(f"/debtors/{world.dora}/notes", {"text": "Called. <b>Pays</b> on Monday."})

    with reading() as session:
        assert session.scalars(select(DebtorNote)).one().author_name == "Inès Morel"
    assert "&lt;b&gt;Pays" in ines.get(f"/debtors/{world.dora}").text


def test_reminders_pause_until_a_day_as_people_type_it(ines, world):
    ines.post(f"/debtors/{world.dora}/pause", {"until": "20/3", "reason": "In talks"})

    with reading() as session:
        assert session.get_one(Debtor, world.dora).reminders_paused_until == date(2026, 3, 20)
    assert "No reminders up to and including 20 March 2026" in ines.get(f"/debtors/{world.dora}").text
    ines.post(f"/debtors/{world.dora}/resume")
    assert actions(world)[-2:] == ["debtor.reminders_paused", "debtor.reminders_resumed"]


def test_reminders_do_not_pause_into_the_past(ines, world):
    ines.post(f"/debtors/{world.dora}/pause", {"until": "1/3/2026", "reason": "In talks"})

    with reading() as session:
        assert session.get_one(Debtor, world.dora).reminders_paused_until is None


def test_a_person_is_added_corrected_and_removed(ines, world):
    form = {"email": "Paul@Client.example", "name": "Paul", "language": "fr", "role": "member", "is_reminded": "y"}
    ines.post(f"/debtors/{world.dora}/people/new", form)
    with reading() as session:
        paul = session.scalars(select(Contact.id).where(Contact.email == "paul@client.example")).one()

    ines.post(f"/debtors/{world.dora}/people/{paul}", {**form, "email": "paul@new.example", "phone": "01 02"})
    with reading() as session:
        changed = session.get_one(Contact, paul)
    assert (changed.email, changed.phone) == ("paul@new.example", "01 02")

    ines.post(f"/debtors/{world.dora}/people/{paul}/remove")
    assert f"/people/{paul}" not in ines.get(f"/debtors/{world.dora}").text
    assert actions(world)[-3:] == ["contact.added", "contact.changed", "contact.removed"]


def test_an_erased_address_is_added_again_with_a_reason_alone(ines, world):
    with transaction() as session:
        erased.bury(session, world.company, "paul@client.example")
    form = {"email": "paul@client.example", "name": "Paul", "language": "fr", "role": "member", "why_back": ""}

    refused = ines.post(f"/debtors/{world.dora}/people/new", form)
    assert refused.status_code == 422
    assert "at its owner’s wish; adding it again needs a reason." in refused.text
    assert 'name="why_back"' in refused.text
    assert 'name="why_back"' not in ines.get(f"/debtors/{world.dora}/people/new").text

    assert ines.post(f"/debtors/{world.dora}/people/new", form | {"why_back": "He asked us"}).status_code == 303
    assert actions(world)[-2:] == ["contact.welcomed_back", "contact.added"]


def test_an_address_is_not_changed_into_an_erased_one_without_a_reason(ines, world, contact):
    with transaction() as session:
        erased.bury(session, world.company, "paul@client.example")
    form = {"email": "paul@client.example", "language": "fr", "role": "owner"}

    assert "needs a reason" in ines.post(f"/debtors/{world.dora}/people/{contact}", form).text
    with reading() as session:
        assert session.get_one(Contact, contact).email == "411dora@client.example"
    assert ines.post(f"/debtors/{world.dora}/people/{contact}", form | {"why_back": "x"}).status_code == 303


def test_another_address_closes_the_links_of_the_old_one(ines, world, contact):
    with transaction() as session:
        make_link(session, debtor_id=world.dora, contact_id=contact, purpose=LinkPurpose.REMINDER)

    form = {"email": "new@client.example", "language": "fr", "role": "owner"}
    ines.post(f"/debtors/{world.dora}/people/{contact}", form)

    with reading() as session:
        assert session.scalars(select(MagicLink)).one().revoked_at is not None


@pytest.mark.parametrize("address", ["nobody", "a@b", "a b@c.example", ""])
def test_a_bad_address_is_said_beside_its_field(ines, world, address):
    page = ines.post(f"/debtors/{world.dora}/people/new", {"email": address, "language": "fr", "role": "owner"})

    assert page.status_code == 422
    assert re.search(r'id="email-error"', page.text)


def test_an_agent_records_no_money(desk, world):
    desk.add(role=Role.AGENT)
    desk.sign_in()

    assert desk.get(f"/debtors/{world.dora}/receipts/new").status_code == 403
    assert "Record a payment" not in desk.get(f"/debtors/{world.dora}").text


def test_nothing_is_offered_to_be_closed_when_no_link_lives(ines, world, contact):
    with transaction() as session:
        make_link(session, debtor_id=world.dora, contact_id=contact, purpose=LinkPurpose.STAFF)
    assert "Close all links" in ines.get(f"/debtors/{world.dora}/links").text

    ines.post(f"/debtors/{world.dora}/links/revoke")

    assert "Close all links" not in ines.get(f"/debtors/{world.dora}/links").text


def test_an_invoice_is_told_once_and_french_keeps_its_space_before_the_colon(ines, world):
    with transaction() as session:
        debtor = session.get_one(Debtor, world.dora)
        audit.record(
            session,
            SYSTEM,
            "invoice.entered",
            subject_type="invoice",
            subject_id=world.late,
            debtor_id=world.dora,
            company_id=world.company,
        )
        record_receipt(
            session,
            debtor=debtor,
            means=Means.TRANSFER,
            minor=100,
            received_on=clock.today(),
            memo="",
            parts=[],
            attempt="x",
            by=SYSTEM,
        )
    assert "Invoice entered" not in ines.get(f"/debtors/{world.dora}").text

    ines.post("/language", {"language": "fr"})
    page = ines.client.get(f"/debtors/{world.dora}").text
    assert "Virement\u00a0: confirmé" in page


def test_a_known_debtor_can_be_corrected_to_a_consumer_with_an_audit_line(ines, world):
    form = {
        "name": "Dora Dupré", "kind": "consumer", "siren": "552 100 554 00013", "vat_number": "fr 12 552100554", "street": "3 rue C",
        "street_more": "", "postcode": "01000", "city": "Bourg", "country": "be", "language": "en",
    }  # fmt: skip

    assert ines.get(f"/debtors/{world.dora}/edit").status_code == 200
    assert ines.post(f"/debtors/{world.dora}/edit", form).status_code == 303
    assert ines.post(f"/debtors/{world.dora}/edit", form | {"siren": "552100555"}).status_code == 422
    assert ines.post(f"/debtors/{world.dora}/edit", form | {"country": "XX"}).status_code == 422

    with reading() as session:
        debtor = session.get_one(Debtor, world.dora)
        assert (debtor.name, debtor.kind.value, debtor.siren, debtor.postcode) == (
            "Dora Dupré", "consumer", "552100554", "01000",
        )  # fmt: skip
        assert (debtor.vat_number, debtor.country, debtor.language) == ("FR12552100554", "BE", "en")
        [line] = session.scalars(select(AuditLine).where(AuditLine.action == "debtor.changed")).all()
    assert line.after["kind"] == "consumer"


def test_the_desk_shows_what_a_merge_means_and_leads_on_afterwards(ines, world):
    with transaction() as session:
        dora = session.get_one(Debtor, world.dora)
        company = session.get_one(Company, dora.company_id)
        other = a_debtor(session, company, "411DUPRE", "Dupré Dora")
        an_invoice(session, other, "Z-1", 3_000)
        other_id, code = other.id, dora.account_code

    shown = ines.get(f"/debtors/{other_id}/merge?into={code.lower()}").text
    assert "Make them one" in shown
    assert ines.get(f"/debtors/{other_id}/merge?into=nobody").status_code == 422
    assert ines.post(f"/debtors/{other_id}/merge", {"into": world.dora}).status_code == 303

    led = ines.get(f"/debtors/{other_id}")
    assert led.status_code == 303
    assert str(world.dora) in led.headers["Location"]
    assert "411DUPRE" in ines.get(f"/debtors/{world.dora}").text
