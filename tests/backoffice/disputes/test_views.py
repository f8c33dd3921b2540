from __future__ import annotations

import io
import re
import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from backoffice.access.permissions import Role
from backoffice.access.queries import staff
from shared.attachments.models import Attachment
from shared.attachments.rules import AttachmentState
from shared.disputes import service as disputes
from shared.disputes.models import Dispute, DisputeEntry, EntryKind
from shared.disputes.rules import Status
from shared.invoices.models import Invoice, InvoiceKind
from shared.kit import words
from shared.kit.actors import Actor
from shared.kit.audit import AuditLine
from shared.kit.db import reading, transaction
from shared.kit.settings import use_settings
from shared.messages.models import Message
from tests.backoffice.disputes.conftest import Case, contest
from tests.support.full_disk import FullDisk


def entries(kind: EntryKind) -> list[str]:
    with reading() as session:
        return list(
            session.scalars(select(DisputeEntry.text).where(DisputeEntry.kind == kind).order_by(DisputeEntry.id))
        )


def test_the_queue_shows_what_is_to_decide_and_nothing_of_others(ines, case: Case) -> None:
    text = ines.get("/disputes").text

    assert case.read().reference in text
    assert "Dora Durand SARL" in text
    assert "€50.00" in text
    assert "Octave" not in text


@pytest.mark.parametrize(
    ("query", "is_there"),
    [
        ("", True),
        ("?state=mine", False),
        ("?state=late", False),
        ("?state=unassigned", True),
        ("?state=unanswered", True),
        ("?state=waiting", False),
        ("?state=credit", False),
        ("?state=ended", False),
        ("?state=all", True),
        ("?state=nonsense", True),
        ("?reason=not_conform", True),
        ("?reason=price", False),
        ("?q=dora+durand", True),
        ("?q=F-2026-001", True),
        ("?q=F-2026-002", False),
        ("?q=octave", False),
        ("?sort=-amount", True),
        ("?sort=opened", True),
        ("?assignee=nobody", True),
        (f"?assignee={uuid.UUID(int=9)}", False),
    ],
)
def test_the_queue_is_filtered_searched_and_sorted(ines, case: Case, query: str, *, is_there: bool) -> None:
    answer = ines.get("/disputes" + query)

    assert answer.status_code == 200
    assert (case.read().reference in answer.text) is is_there


def test_a_dispute_is_found_by_its_reference_as_people_type_it(ines, case: Case) -> None:
    reference = case.read().reference

    assert reference in ines.get("/disputes?q=" + reference.replace("-", " ").lower()).text


def test_the_queue_pages_by_key(ines, world, case: Case) -> None:
    with transaction() as session:
        disputes.withdraw(session, dispute_id=case.dispute, by=disputes_actor())
    for number in range(52):
        contest(world.dora, world.coming, 100, f"many-{number}", by=disputes_actor())
    first = ines.get("/disputes").text
    following = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = ines.get(following.removeprefix("/backoffice")).text
    found = [set(re.findall(r"LIT-\w{4}-\w{4}-\w", text)) for text in (first, second)]

    assert [len(each) for each in found] == [50, 2]
    assert not found[0] & found[1]


def disputes_actor():
    return Actor.staff(uuid.uuid4(), "Somebody")


def test_the_search_over_everything_opens_a_dispute_of_this_company_by_its_reference(ines, case: Case) -> None:
    typed = case.read().reference.replace("-", " ").lower()
    with reading() as session:
        foreign = session.get_one(Dispute, case.foreign).reference

    assert ines.get("/search", query_string={"q": typed}).headers["Location"].endswith(f"/disputes/{case.dispute}")
    assert f"/disputes/{case.foreign}" not in ines.get("/disputes", query_string={"q": foreign}).text
    assert "Nothing is called that" in ines.get("/search", query_string={"q": foreign}).text


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_queue_is_exported_as_it_is_filtered(ines, case: Case, form: str) -> None:
    answer = ines.get(f"/disputes.{form}?state=unassigned")

    assert answer.status_code == 200
    assert f"disputes-2026-03-10.{form}" in answer.headers["Content-Disposition"]
    if form == "csv":
        assert case.read().reference in answer.text
        assert "Octave" not in answer.text


def test_the_page_of_a_dispute_says_everything(ines, case: Case) -> None:
    text = ines.get(f"/disputes/{case.dispute}").text

    for told in (
        "Two chairs of four arrived broken.",
        "constat.txt",
        "The goods or services are not as ordered",
        "F-2026-001",
        "€50.00",
        "€70.00",  # the rest stays payable
        "The debtor spoke last",
    ):
        assert told in text


def test_an_answer_reaches_the_debtor_and_makes_the_dispute_mine(ines, case: Case) -> None:
    answer = ines.post(f"/disputes/{case.dispute}/say", {"text": "We ask the carrier."})

    assert answer.status_code == 303
    dispute = case.read()
    assert (dispute.status, dispute.assignee_name) == (Status.UNDER_REVIEW, "Inès Morel")
    with reading() as session:
        kinds = session.scalars(select(Message.kind)).all()
    assert any("dispute" in kind for kind in kinds)
    assert "We ask the carrier." in ines.get(f"/disputes/{case.dispute}").text


def test_a_question_stops_the_deadline(ines, case: Case) -> None:
    ines.post(f"/disputes/{case.dispute}/say", {"text": "Which chairs?", "asks": "y"})

    assert case.read().status is Status.WAITING
    assert "the deadline stands still" in ines.get(f"/disputes/{case.dispute}").text
    ines.post(f"/disputes/{case.dispute}/take-up")
    assert case.read().status is Status.UNDER_REVIEW


def test_an_answer_may_carry_a_file_and_a_bad_one_is_refused_with_the_text_kept(ines, case: Case) -> None:
    page = f"/disputes/{case.dispute}"
    token = ines.token(page)

    def send(name: str, content: bytes):
        data = {"csrf_token": token, "text": "See the slip.", "files": (io.BytesIO(content), name)}
        return ines.client.post(f"{page}/say", data=data, headers={"Accept-Language": "en"})

    bad = send("slip.pdf", b"PK\x03\x04 not a pdf")
    assert bad.status_code == 422
    assert "slip.pdf: archives are not taken." in bad.text
    assert "See the slip.</textarea>" in bad.text
    assert entries(EntryKind.MESSAGE) == ["Two chairs of four arrived broken."] * 2
    assert send("slip.txt", b"Signed by the carrier").status_code == 303
    assert "slip.txt" in ines.get(page).text


def rows():
    with reading() as session:
        return [session.scalar(select(func.count()).select_from(each)) for each in (DisputeEntry, Attachment, Message)]


def test_an_answer_on_a_full_disk_is_given_back_and_its_file_named_as_not_kept(ines, case, monkeypatch):
    disk, page = FullDisk(monkeypatch), f"/disputes/{case.dispute}"
    token, before, known = ines.token(page), disk.kept(), rows()

    def send():
        data = {
            "csrf_token": token,
            "text": "See the slip.",
            "files": (io.BytesIO(b"Signed by the carrier"), "slip.txt"),
        }
        return ines.client.post(f"{page}/say", data=data, headers={"Accept-Language": "en"})

    disk.fill()
    answer = send()
    assert answer.status_code == 507
    assert "what you sent could not be kept" in answer.text
    assert "See the slip." in answer.text
    assert "Not kept, and to be chosen again: slip.txt" in answer.text
    assert disk.kept() == before
    assert rows() == known

    disk.clear()
    assert send().status_code == 303
    assert rows()[:2] == [known[0] + 1, known[1] + 1]


def test_an_empty_answer_is_refused_beside_the_field(ines, case: Case) -> None:
    answer = ines.post(f"/disputes/{case.dispute}/say", {"text": " "})

    assert answer.status_code == 422
    assert "Write a few words." in answer.text


def test_a_note_looks_internal_and_is_never_said_to_the_debtor(ines, case: Case) -> None:
    ines.post(f"/disputes/{case.dispute}/note", {"note": "The carrier is at fault."})

    text = ines.get(f"/disputes/{case.dispute}").text
    assert re.search(r'class="talk-word talk-note".{0,900}The carrier is at fault\.', text, re.DOTALL)
    assert entries(EntryKind.NOTE) == ["The carrier is at fault."]
    with reading() as session:
        assert not session.scalars(select(Message.id).where(Message.text_body.like("%at fault%"))).all()


def test_it_is_assigned_sorted_and_its_deadline_moved(ines, desk, case: Case) -> None:
    charles = desk.add("charles@guichet.example", Role.AGENT, "Charles Petit")
    ines.post(f"/disputes/{case.dispute}/assign", {"assignee": str(charles)})
    ines.post(f"/disputes/{case.dispute}/reason", {"reason": "price"})
    ines.post(f"/disputes/{case.dispute}/deadline", {"due_on": "31/3"})

    assert (case.read().assignee_id, case.read().due_on) == (charles, date(2026, 3, 31))
    text = ines.get(f"/disputes/{case.dispute}").text
    for told in (
        "Assigned to Charles Petit",
        "Reason changed: The price or the quantity is wrong",
        "Answer due on 31 March 2026",
    ):
        assert told in text
    ines.post(f"/disputes/{case.dispute}/assign", {"assignee": ""})
    assert case.read().assignee_id is None


@pytest.mark.parametrize("day", ["9/3/2026", "soon", ""])
def test_a_deadline_that_has_passed_is_refused_beside_the_field(ines, case: Case, day: str) -> None:
    before = case.read().due_on

    assert ines.post(f"/disputes/{case.dispute}/deadline", {"due_on": day}).status_code == 422
    assert case.read().due_on == before


def test_nobody_is_assigned_who_may_not_work_on_disputes(ines, desk, case: Case) -> None:
    auditor = desk.add("ada@guichet.example", Role.AUDITOR, "Ada")

    assert ines.post(f"/disputes/{case.dispute}/assign", {"assignee": str(auditor)}).status_code == 404
    assert case.read().assignee_id is None


def test_a_file_is_a_download_and_can_be_set_aside(ines, case: Case) -> None:
    answer = ines.get(f"/disputes/{case.dispute}/files/{case.file}")
    assert answer.headers["Content-Disposition"] == "attachment; filename=constat.txt"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["Content-Security-Policy"]

    ines.post(f"/disputes/{case.dispute}/files/{case.file}/set-aside")
    assert ines.get(f"/disputes/{case.dispute}/files/{case.file}").status_code == 403
    assert "Set aside" in ines.get(f"/disputes/{case.dispute}").text


def test_a_file_that_is_being_scanned_has_no_link(ines, case: Case, settings) -> None:
    use_settings(settings.model_copy(update={"clamd": "127.0.0.1:1"}))
    with transaction() as session:
        session.get_one(Attachment, case.file).state = AttachmentState.SCANNING

    text = ines.get(f"/disputes/{case.dispute}").text
    assert f'/files/{case.file}"' not in text
    assert "Being checked for viruses" in text
    assert ines.get(f"/disputes/{case.dispute}/files/{case.file}").status_code == 403


PATHS = (
    "", "/say", "/note", "/take-up", "/assign", "/reason", "/deadline", "/accept", "/reject", "/withdraw", "/reopen",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_another_companys_dispute_is_not_there(ines, case: Case, path: str) -> None:
    fields = {"text": "x", "note": "x", "grounds": "x", "due_on": "31/3", "reason": "price"}
    answers = []
    if path in ("", "/accept", "/reject"):
        answers.append(ines.get(f"/disputes/{case.foreign}{path}"))
    if path:
        answers.append(ines.post(f"/disputes/{case.foreign}{path}", fields))

    assert {answer.status_code for answer in answers} == {404}


def test_another_companys_files_are_not_there_not_even_below_an_own_dispute(ines, case: Case) -> None:
    for path in (
        f"/disputes/{case.foreign}/files/{case.foreign_file}",
        f"/disputes/{case.dispute}/files/{case.foreign_file}",
        f"/disputes/{case.foreign}/files/{case.file}",
        f"/disputes/{case.dispute}/files/{uuid.uuid4()}",
    ):
        assert ines.get(path).status_code == 404
        assert ines.post(f"{path}/set-aside").status_code == 404


def test_a_file_of_another_dispute_is_not_handed_out_below_this_one(ines, world, case: Case) -> None:
    other = contest(world.dora, world.coming, 1_000, "three")

    assert ines.get(f"/disputes/{other}/files/{case.file}").status_code == 404


def act(ines, ids: list[uuid.UUID], **fields: str):
    return ines.post("/disputes", {"id": [str(each) for each in ids], **fields})


def test_many_are_assigned_taken_up_and_answered_at_once(ines, world, case: Case) -> None:
    other = contest(world.dora, world.coming, 1_000, "three")
    with reading() as session:
        me = staff(session)[0].id

    act(ines, [case.dispute, other], act="assign", assignee=str(me), **{"keep-state": "unassigned"})
    assert case.read().assignee_id == me
    act(ines, [case.dispute, other], act="take_up")
    assert case.read().status is Status.UNDER_REVIEW
    answer = act(ines, [case.dispute, other], act="reply", reply="delivery_note")
    assert answer.status_code == 303
    assert case.read().status is Status.WAITING
    written = [text for text in entries(EntryKind.MESSAGE) if "bon de livraison" in text]
    assert len(written) == 2
    assert any("F-2026-001" in text for text in written)
    assert "{{" not in "".join(written)


def test_what_cannot_be_done_with_one_is_said_and_the_others_are_done(ines, world, case: Case) -> None:
    other = contest(world.dora, world.coming, 1_000, "three")
    with transaction() as session:
        disputes.withdraw(session, dispute_id=other, by=disputes_actor())

    act(ines, [case.dispute, other], act="take_up")
    text = ines.get("/disputes").text
    assert "Done: 1." in text
    assert "Left as it is: 1." in text
    assert case.read().status is Status.UNDER_REVIEW


def test_a_foreign_one_among_the_ticked_stops_everything(ines, case: Case) -> None:
    assert act(ines, [case.dispute, case.foreign], act="take_up").status_code == 404
    assert case.read().status is Status.OPEN


def test_acts_that_do_not_exist_and_empty_ticks_are_harmless(ines, case: Case) -> None:
    assert act(ines, [], act="take_up").status_code == 303
    assert act(ines, [case.dispute], act="explode").status_code == 303
    assert ines.post("/disputes", {"id": "x", "act": "take_up"}).status_code == 404
    assert case.read().status is Status.OPEN


def test_the_rail_and_today_count_what_waits(ines, case: Case, frozen) -> None:
    assert re.search(r'href="/disputes".{0,400}?>1<', ines.get("/disputes").text, re.DOTALL)
    today = ines.get("/").text
    assert "Disputes that are nobody’s" in today
    assert "Disputes where the debtor spoke last" in today
    ines.post(f"/disputes/{case.dispute}/say", {"text": "Which chairs?", "asks": "y"})
    assert "Disputes where the debtor spoke last" not in ines.get("/").text
    ines.post(f"/disputes/{case.dispute}/take-up")
    frozen.advance(days=17)
    ines.sign_in()
    assert "Disputes whose answer is late" in ines.get("/").text
    assert case.read().reference in ines.get("/disputes?state=late").text


ROLES = [
    ("/disputes", "GET", {Role.AGENT, Role.MANAGER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMIN}),
    ("/disputes.csv", "GET", {Role.MANAGER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMIN}),
    ("/disputes/{id}/note", "POST", {Role.AGENT, Role.MANAGER, Role.ACCOUNTANT, Role.ADMIN}),
    ("/disputes/{id}/accept", "GET", {Role.MANAGER, Role.ACCOUNTANT, Role.ADMIN}),
    ("/setup/replies/dispute/new", "GET", {Role.MANAGER, Role.ADMIN}),
    ("/setup/disputes/new", "GET", {Role.ADMIN}),
]


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_it_may(desk, world, case: Case, role: Role) -> None:
    desk.add(f"{role.value}@guichet.example", role)
    desk.sign_in(f"{role.value}@guichet.example")
    for path, method, allowed in ROLES:
        where = path.format(id=case.dispute)
        answer = desk.get(where) if method == "GET" else desk.post(where, {"note": "x"})
        assert (answer.status_code != 403) is (role in allowed), f"{role.value} {where}: {answer.status}"


def test_an_auditor_sees_no_forms(desk, world, case: Case) -> None:
    desk.add("ada@guichet.example", Role.AUDITOR)
    desk.sign_in("ada@guichet.example")
    text = desk.get(f"/disputes/{case.dispute}").text

    for path in ("/say", "/note", "/assign", "/accept", "/reject", "/withdraw"):
        assert f"/disputes/{case.dispute}{path}" not in text


def test_the_audit_trail_tells_every_act(ines, case: Case) -> None:
    ines.post(f"/disputes/{case.dispute}/say", {"text": "We ask the carrier."})
    ines.post(f"/disputes/{case.dispute}/note", {"note": "Ask Jean."})

    with reading() as session:
        told = session.scalars(select(AuditLine.action).where(AuditLine.subject_id == case.dispute)).all()
        notes = session.scalar(select(func.count()).select_from(Invoice).where(Invoice.kind == InvoiceKind.CREDIT_NOTE))
    assert {"dispute.said", "dispute.noted"} <= set(told)
    assert notes == 0


def test_the_pages_speak_french(ines, case: Case) -> None:
    for path in ("/disputes", f"/disputes/{case.dispute}", f"/disputes/{case.dispute}/accept", "/setup/replies"):
        ines.post("/language", {"language": "fr"})
        with words.speaking("fr"):
            text = ines.client.get(path, headers={"Accept-Language": "fr"}).text
        assert 'lang="fr"' in text
        assert not re.search(r">(Dispute|Assigned to|Reason|Accept|Contested|Saved replies)<", text)


def test_more_than_a_page_of_days_is_no_surprise(ines, case: Case) -> None:
    assert timedelta(days=15) == case.read().due_on - date(2026, 3, 10)


def test_payments_that_were_under_way_stand_on_the_page(ines, case: Case) -> None:
    from payments.models import Means, Provider
    from payments.service import PaymentDraft, start
    from shared.debtors.service import lock_debtor
    from shared.disputes.models import DisputePart
    from shared.ledger.rules import Part

    with transaction() as session:
        part = session.get_one(DisputePart, case.part)
        dispute = case.read()
        debtor = lock_debtor(session, dispute.debtor_id)
        parts = [Part(part.invoice_id, 100)]
        draft = PaymentDraft(
            attempt="f", means=Means.DEBIT, provider=Provider.GOCARDLESS, parts=parts, contact_id=dispute.contact_id
        )
        payment = start(session, debtor, draft, by=Actor.system("test"))
        payment.created_at = dispute.opened_at

    text = ines.get(f"/disputes/{case.dispute}").text

    assert payment.reference in text
    assert "Started by the debtor; goes on" in text
