from __future__ import annotations

import html
import io
import uuid
from html.parser import HTMLParser

import pytest
from flask import Flask
from sqlalchemy import select

from backoffice import frame
from backoffice.access import guards, service
from backoffice.access.permissions import Role
from backoffice.imports import run, undo, views
from backoffice.imports.models import ImportRun, RunState
from backoffice.imports.routes import ROUTES
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.web.app import build
from shared.web.routes import mount
from tests.backoffice.imports.test_run import fec
from tests.support.people import a_company

FEC = "123456782FEC20261231.txt"


@pytest.fixture
def door(settings) -> Flask:
    """The back-office with this room alone; links to other rooms lead nowhere."""
    app = build("backoffice", settings, cookie="guichet_desk")
    app.url_build_error_handlers.append(lambda _error, endpoint, _values: f"/nowhere/{endpoint}")
    guards.install(app)
    frame.install(app, settings)
    mount(app, ROUTES)
    views.allow_large_files(app)
    return app


class Browser:
    """Somebody at the desk."""

    def __init__(self, app: Flask, role: Role) -> None:
        self.client = app.test_client()
        with transaction() as session:
            member = service.add_member(
                session,
                email=f"{uuid.uuid4().hex[:8]}@desk.example",
                name="Inès Morel",
                role=role,
                language="en",
                password_hash="-",
                by=Actor.system("test"),
            )
            identity = member.id if hasattr(member, "id") else member
            token = service.open_session(session, identity, user_agent="test", address="127.0.0.1")
        with self.client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = token, True

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.status
        return html.unescape(answer.get_data(as_text=True))

    def post(self, path: str, status: int = 303, *, on: str = "/imports", **fields: object):
        """Send the form of the page `on` that goes to `path`, with these fields changed."""
        forms = self.forms(on)
        data = forms.get(path) or {"csrf_token": self.forms("/imports")["/imports"]["csrf_token"]}
        answer = self.client.post(path, data=data | fields)
        assert answer.status_code == status, answer.status
        return answer

    def forms(self, path: str) -> dict[str, dict[str, object]]:
        reader = Forms()
        reader.feed(self.client.get(path).get_data(as_text=True))
        return reader.found

    def upload(self, content: bytes, name: str) -> str:
        return self.post("/imports", file=(io.BytesIO(content), name)).headers["Location"]


class Forms(HTMLParser):
    """The forms of a page: address → names and values as a browser would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, dict[str, object]] = {}
        self._form: dict[str, object] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if tag == "form":
            self._form = self.found.setdefault((facts.get("action") or "").split("#")[0], {})
        elif tag == "input" and facts.get("name") and facts.get("type") not in {"file", "search"}:
            self._form[facts["name"]] = facts.get("value") or ""
        elif tag == "select":
            self._select = facts["name"]
        elif tag == "option" and ("selected" in facts or self._select not in self._form):
            self._form[self._select] = facts["value"]


@pytest.fixture
def ines(door, desk) -> Browser:
    return Browser(door, Role.ACCOUNTANT)


def test_a_file_is_offered_looked_at_confirmed_and_imported(ines, desk):
    assert "Nothing has been imported yet" in ines.get("/imports")

    address = ines.upload((desk.files / FEC).read_bytes(), FEC)
    preview = ines.get(address)
    for word in ("Ready to import", "€661.00", "CPAUL", "Lettering CC of account CNADI does not balance", "from terms"):
        assert word in preview
    assert desk.debtors() == {}

    ines.post(f"{address}/confirm")
    waiting = ines.get(address)
    assert "Will start in a moment" in waiting
    assert 'data-waiting="' in waiting
    assert "Look again" in waiting
    assert 'data-waiting="' in ines.get(f"{address}/progress")

    run.write(uuid.UUID(address.rsplit("/", 1)[1]))

    done = ines.get(address)
    assert "the certificate holds" in done
    assert "Debtors added" in done
    assert "data-waiting" not in ines.get(f"{address}/progress")
    assert FEC in ines.get("/imports")


def test_a_question_of_dates_is_asked_and_answered(ines, desk):
    address = ines.upload((desk.files / "ambiguous-dates.csv").read_bytes(), "dates.csv")
    asked = ines.get(address)
    assert "say which order the file uses" in asked
    assert "Import</span>" not in asked

    ines.post(f"{address}/choices", on=address, dates="mdy", column_debtor_name="Client", column_number="N° facture",
              column_issued_on="Date", column_total="Montant")  # fmt: skip

    preview = ines.get(address)
    assert "Ready to import" in preview
    assert "04/03/2026" in preview


def test_what_is_gone_from_the_books_is_named_in_the_question_and_not_said_to_stand_in_the_file(ines, desk):
    first = "VE 1 20260105 C1 F1 100,00"
    desk.take(fec(first, *(f"VE {n} 20260106 C1 F{n} 50,00" for n in range(2, 9))))

    page = ines.get(ines.upload(fec(first, "VE 9 20260107 C2 F9 10,00").encode(), FEC))

    assert "F2 (C1): €50.00" in page
    assert "(7 invoices in all)" in page
    assert "In the file:" not in page


def test_columns_can_be_mapped_by_hand_and_terms_set(ines):
    content = b"Qui;Quoi;Quand;Combien\nDora;F1;31/01/2026;10,00\n"
    address = ines.upload(content, "odd.csv")
    assert "None of the columns is known" in ines.get(address)

    ines.post(f"{address}/choices", on=address, column_debtor_name="Qui", column_number="Quoi", column_issued_on="Quand",
              column_total="Combien", terms_days="45", terms_kind="days_then_end_of_month")  # fmt: skip

    assert "31/03/2026" in ines.get(address)
    ines.post(f"{address}/choices", status=422, on=address, terms_days="4000")


def test_faults_are_listed_by_line_and_column(ines, desk):
    page = ines.get(ines.upload((desk.files / "faults.csv").read_bytes(), "faults.csv"))

    assert "8 faults" in page
    assert "line 7, column Échéance" in page


def test_an_import_can_be_given_up(ines, desk):
    address = ines.upload((desk.files / FEC).read_bytes(), FEC)
    ines.post(f"{address}/cancel")

    assert "Given up" in ines.get("/imports")
    ines.post(f"{address}/confirm", status=409)


def test_a_hostile_name_and_hostile_cells_are_only_text(ines):
    content = 'Client;N° facture;Date facture;Montant TTC\n<script>alert(1)</script>;"=1+1";31/01/2026;1,00\n'.encode()
    address = ines.upload(content, "../../../etc/\u202epasswd<b>.csv")
    raw = ines.client.get(address).get_data(as_text=True)

    assert "<script>alert" not in raw
    assert "passwd" in raw
    assert "\u202e" not in raw
    assert "../" not in raw.split("<main")[1]

    answer = ines.client.get(f"{address}/file")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.get_data() == content
    answer.close()


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7", b"\x00\x01\x02" * 50, b"PK\x03\x04bomb", b"no table here", b"\xff\xfe"]
)
def test_junk_gets_a_page_with_a_reason(ines, content):
    page = ines.get(ines.upload(content, "junk.csv"))

    assert "The file cannot be imported like this." in page


def test_no_file_and_an_empty_file_are_refused(ines):
    assert "Choose a file." in ines.post("/imports", status=422).get_data(as_text=True)
    ines.post("/imports", status=422, file=(io.BytesIO(b""), "empty.csv"))


def test_a_large_file_passes_the_door_and_is_read_in_the_background(ines):
    content = b"Client;No facture;Date;Montant\n" + b"".join(
        b"A;F%d;31/01/2026;1,00%s\n" % (n, b" " * 60) for n in range(200_000)
    )
    assert len(content) > 16 * 1024 * 1024

    token = str(ines.forms("/imports")["/imports"]["csrf_token"])
    body = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % part
        for part in (
            (b"csrf_token", b"", token.encode()),
            (b"form", b"", b""),
            (b"file", b'; filename="large.csv"', content),
        )
    )
    answer = ines.client.post("/imports", data=body + b"--edge--", content_type="multipart/form-data; boundary=edge")
    address = answer.headers["Location"]

    assert "Being read" in ines.get(address)
    assert run.read(uuid.UUID(address.rsplit("/", 1)[1])).state is RunState.READY


def test_another_companys_import_does_not_exist(ines, desk):
    with transaction() as session:
        other = a_company(session, "zz-other", siren="552100554")
    run_id = run.offer(b"a;b", company_id=other.id, name="x.csv", by=Actor.system("test"))

    for path in ("", "/progress", "/file"):
        assert ines.client.get(f"/imports/{run_id}{path}").status_code == 404
    for path in ("/confirm", "/cancel", "/choices"):
        ines.post(f"/imports/{run_id}{path}", status=404)


def test_an_auditor_reads_and_cannot_import(door, desk):
    outcome = desk.take(desk.files / FEC)
    auditor = Browser(door, Role.AUDITOR)

    assert "Import a file" not in auditor.get("/imports")
    assert "the certificate holds" in auditor.get(f"/imports/{outcome.run_id}")
    answer = auditor.client.post("/imports", data={})
    assert answer.status_code in {400, 403}


def test_the_pages_speak_french(ines, desk):
    address = ines.upload((desk.files / FEC).read_bytes(), FEC)
    with ines.client.session_transaction() as cookie:
        cookie["language"] = "fr"

    page = ines.get(address)

    assert "Prêt à importer" in page
    assert "Le lettrage CC du compte CNADI n’est pas équilibré" in page


def test_who_offered_a_file_is_kept(ines, desk):
    ines.upload((desk.files / FEC).read_bytes(), FEC)

    with reading() as session:
        kept = session.scalars(select(ImportRun)).one()
    assert kept.started_by == "Inès Morel"
    assert kept.file_size == len((desk.files / FEC).read_bytes())


def test_an_import_is_taken_back_after_a_look_at_what_goes_and_a_fresh_proof(desk, door):
    browser = Browser(door, Role.MANAGER)
    page = browser.upload((desk.files / "balance-agee.csv").read_bytes(), "aged.csv")
    run_id = uuid.UUID(page.rsplit("/", 1)[1])
    run.confirm(run_id, by=Actor.system("test"))
    run.write(run_id)
    assert f"{page}/undo" in browser.get(page)

    look = browser.get(f"{page}/undo")
    assert "Invoices and credit notes that go" in look
    assert "What was built on it" not in look
    assert "Say why in a few words." in browser.post(f"{page}/undo", 422, on=f"{page}/undo").get_data(as_text=True)
    browser.post(f"{page}/undo", on=f"{page}/undo", reason="the wrong file")
    assert "Being taken back" in browser.get(page)
    undo.undo(run_id)

    shown = browser.get(page)
    assert "This import was taken back: nothing of it is left." in shown
    assert "Inès Morel: the wrong file" in shown
    assert desk.invoices() == {}
