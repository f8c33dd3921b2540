"""Every URL of both doors has a guard, a view of its own name, a template of that name; and nobody reaches another's."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

import wsgi
from backoffice import urls as desk_urls
from payments import urls as payment_urls
from portal import urls as portal_urls
from shared.kit import clock
from shared.kit.db import transaction
from shared.kit.settings import Settings
from shared.web.routes import Guard, Route
from tests.portal.conftest import Dora, settle_in, sign_in
from tests.support.browser import Browser
from tests.support.people import an_invoice

ROOT = Path(__file__).resolve().parents[2]
DOORS = {"portal": portal_urls.ROUTES, "backoffice": desk_urls.ROUTES, "payments": payment_urls.ROUTES}

OPEN_IN_THE_PORTAL = {
    "portal.access.landing",
    "portal.access.redeem",
    "portal.access.ask",
    "portal.access.send_link",
    "portal.access.sent",
    "portal.brand.logo",
    "payments.webhooks.stripe",
    "payments.webhooks.gocardless",
    "shared.web.assets.file",
    "shared.web.assets.company_colours",
    "shared.web.assets.tab_icon",
    "payments.health.live",
    "payments.health.ready",
}
"""What anybody may ask for: named here on purpose, so that a new one is an explicit act."""


@pytest.fixture
def doors(database: object, settings: Settings, frozen: clock.FrozenClock) -> dict[str, Flask]:
    wsgi.import_jobs()
    return {"portal": wsgi.build_portal(settings), "backoffice": wsgi.build_backoffice(settings)}


def test_every_url_of_both_doors_has_a_guard(doors: dict[str, Flask]) -> None:
    bare = [
        f"{name} {rule.rule}"
        for name, app in doors.items()
        for rule in app.url_map.iter_rules()
        if not isinstance(getattr(app.view_functions[rule.endpoint], "guard", None), Guard)
    ]

    assert bare == []


def test_only_what_is_named_is_open_in_the_portal(doors: dict[str, Flask]) -> None:
    app = doors["portal"]
    open_ = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].guard.name in ("anyone", "provider")  # type: ignore[attr-defined]
    }

    assert open_ <= OPEN_IN_THE_PORTAL


def test_only_webhooks_are_free_of_the_forms_token(doors: dict[str, Flask]) -> None:
    free = {
        rule.endpoint
        for app in doors.values()
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].guard.is_csrf_exempt  # type: ignore[attr-defined]
    }

    assert free <= {"payments.webhooks.stripe", "payments.webhooks.gocardless"}


@pytest.mark.parametrize("door", DOORS)
def test_a_url_stands_once_in_its_map(door: str) -> None:
    seen = [(method, route.path) for route in DOORS[door] for method in route.methods.split()]

    assert len(seen) == len(set(seen))


def test_an_endpoint_is_named_after_its_view_and_no_two_are_the_same() -> None:
    routes = [route for door in DOORS.values() for route in door]
    wrong = [
        route.endpoint
        for route in routes
        if route.endpoint.rpartition(".")[2] != route.view.__name__.rstrip("_")
        or not route.view.__module__.endswith(".views")
    ]
    views: dict[str, set[object]] = {}
    for route in routes:
        views.setdefault(route.endpoint, set()).add(route.view)

    assert wrong == []
    assert [name for name, found in views.items() if len(found) > 1] == []


def test_a_view_of_the_portal_renders_templates_of_its_own_room() -> None:
    wrong = []
    for path in (ROOT / "portal").glob("*/views.py"):
        for template in re.findall(r'"((?:portal|errors)/[\w/]+\.html)"', path.read_text("utf-8")):
            if not template.startswith((f"portal/{path.parent.name}/", "errors/")):
                wrong.append(f"{path.parent.name}: {template}")
            if not (ROOT / "templates" / template).exists():
                wrong.append(f"missing: {template}")

    assert wrong == []


def test_every_page_of_the_portal_is_rendered_by_some_view() -> None:
    said = "".join(path.read_text("utf-8") for path in (ROOT / "portal").glob("*/views.py"))
    orphans = [
        path.name
        for path in (ROOT / "templates/portal").rglob("*.html")
        if not path.name.startswith("_") and path.relative_to(ROOT / "templates").as_posix() not in said
    ]

    assert orphans == []


@pytest.fixture
def dora(doors: dict[str, Flask]) -> Dora:
    """Dora, with one thing of every kind that has an id in some URL."""
    from payments.models import Mandate, Means, Provider
    from payments.plans import service as plans
    from payments.plans.rules import Terms
    from payments.service import PaymentDraft, start
    from payments.status import MandateStatus
    from shared.debtors.models import Debtor
    from shared.kit.actors import Actor
    from shared.kit.ids import new_id
    from shared.ledger.rules import Part

    with transaction() as session:
        dora = settle_in(session)
        debtor = session.get_one(Debtor, dora.debtor_id)
        dora.invoices["FA-1"] = an_invoice(session, debtor, "FA-1").id
        parts = [Part(dora.invoices["FA-1"], 500)]
        draft = PaymentDraft(attempt="a", means=Means.CARD, provider=Provider.STRIPE, parts=parts)
        dora.invoices["payment"] = start(session, debtor, draft, by=Actor.system("test")).id
        mandate = Mandate(
            id=new_id(),
            company_id=dora.company_id,
            debtor_id=dora.debtor_id,
            reference="MDT-1",
            attempt="m",
            status=MandateStatus.ACTIVE,
            idempotency_key="m",
            created_at=clock.now(),
            given_at=clock.now(),
        )
        session.add(mandate)
        dora.invoices["mandate"] = mandate.id
        plan = plans.propose_by_staff(
            session,
            debtor_id=dora.debtor_id,
            invoice_ids=None,
            terms=Terms(first_on=clock.today(), count=2),
            answer="",
            attempt="p",
            by=Actor.system("test"),
        )
        dora.invoices["plan"] = plan.id
        _contest(session, dora)
        _speak(session, dora, an_invoice(session, debtor, "FA-9").id)
        return dora


def _speak(session: Session, dora: Dora, invoice_id: uuid.UUID) -> None:
    """A promise and a declared transfer."""
    from payments.declarations import service as declarations
    from payments.declarations.service import DeclarationDraft
    from shared.kit.actors import Actor
    from shared.ledger.rules import Part
    from shared.promises import service as promises
    from shared.promises.service import PromiseDraft

    by, today = Actor.contact(dora.contact_id, "Dora"), clock.today()
    promised = PromiseDraft("w", [Part(invoice_id, 500)], today)
    dora.invoices["promise"] = promises.give(session, debtor_id=dora.debtor_id, draft=promised, by=by).id
    declared = DeclarationDraft("w", 500, today, [Part(invoice_id, 500)])
    dora.invoices["declaration"] = declarations.declare(session, debtor_id=dora.debtor_id, draft=declared, by=by).id


def _contest(session: Session, dora: Dora) -> None:
    """A dispute with a file."""
    from shared.attachments.models import Attachment
    from shared.attachments.rules import Checked
    from shared.disputes.service import Claim, raise_dispute
    from shared.kit.actors import Actor

    file = Checked("proof.txt", "text/plain", b"proof", "0" * 64)
    made = raise_dispute(
        session,
        debtor_id=dora.debtor_id,
        claims=[Claim(dora.invoices["FA-1"], minor=100)],
        reason_code="price",
        text="Too dear.",
        attempt="d",
        files=[file],
        by=Actor.contact(dora.contact_id, "Dora"),
    )
    dora.invoices["dispute"] = made.id
    dora.invoices["attachment"] = session.scalars(select(Attachment.id)).one()


def _things(dora: Dora) -> dict[str, list[uuid.UUID]]:
    from shared.access.models import MagicLink, PortalSession
    from tests.portal.conftest import rows

    return {
        "invoice_id": [dora.invoices["FA-1"]],
        "payment_id": [dora.invoices["payment"]],
        "mandate_id": [dora.invoices["mandate"]],
        "dispute_id": [dora.invoices["dispute"]],
        "plan_id": [dora.invoices["plan"]],
        "promise_id": [dora.invoices["promise"]],
        "declaration_id": [dora.invoices["declaration"]],
        "attachment_id": [dora.invoices["attachment"]],
        "contact_id": [dora.contact_id],
        "debtor_id": [dora.debtor_id],
        "link_id": [row.id for row in rows(MagicLink) if row.debtor_id == dora.debtor_id],
        "session_id": [row.id for row in rows(PortalSession) if row.debtor_id == dora.debtor_id],
    }


def _with_ids(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.endpoint not in OPEN_IN_THE_PORTAL:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule


def test_octave_walks_every_url_with_doras_ids_and_finds_nothing(doors: dict[str, Flask], dora: Dora) -> None:
    app = doors["portal"]
    sign_in(app, dora)
    with transaction() as session:
        octave = settle_in(session, code="411OCTAVE", name="Octave Conseil")
    browser = _verified(app, octave)
    things = _things(dora)
    walked, found = 0, []

    for method, rule in _with_ids(app):
        for path in _paths(rule, things):
            answer = _ask(browser, method, path)
            walked += 1
            if answer != 404:
                found.append(f"{method} {rule.rule}: {answer}")

    assert found == []
    assert walked >= 20


def _paths(rule: Rule, things: dict[str, list[uuid.UUID]]) -> Iterator[str]:
    """The address with each of Dora's ids in each of its places, and with ids of nothing."""
    for ids in product(*([*things.get(name, []), uuid.uuid4()] for name in sorted(rule.arguments))):
        path = rule.rule
        for name, identity in zip(sorted(rule.arguments), ids, strict=True):
            path = path.replace(f"<uuid:{name}>", str(identity))
        yield path


def test_ids_of_others_in_queries_and_forms_are_not_found(doors: dict[str, Flask], dora: Dora) -> None:
    app = doors["portal"]
    with transaction() as session:
        octave = settle_in(session, code="411OCTAVE", name="Octave Conseil")
    browser = _verified(app, octave)
    theirs = dora.invoices["FA-1"]
    attempt = str(uuid.uuid4())

    for path in (
        "/pay",
        "/pay/parts",
        "/pay/transfer",
        "/plans/new",
        "/plans/preview",
        "/documents/invoices.zip",
        "/disputes/new",
        "/promises/new",
        "/declarations/new",
    ):
        assert _ask(browser, "GET", f"{path}?what=these&invoice={theirs}") == 404, path
        assert _ask(browser, "GET", f"{path}?what=these&invoice=nonsense") == 404, path
    sent = {"what": "these", "invoice": str(theirs), "part": f"{theirs}:500", "attempt": attempt, "means": "card"}
    assert _ask(browser, "POST", "/pay", sent) == 404
    assert _ask(browser, "POST", "/pay", {"part": f"{theirs}:500", "attempt": attempt, "means": "card"}) == 404
    assert _ask(browser, "POST", "/pay/credit", sent) == 404


def test_without_a_session_every_guarded_url_leads_to_the_entrance(doors: dict[str, Flask]) -> None:
    app = doors["portal"]
    browser = Browser(app)
    token = _token(browser, "/new-link")

    for route in portal_urls.ROUTES:
        if route.guard.name == "anyone":
            continue
        path = re.sub(r"<uuid:\w+>", str(uuid.uuid4()), route.path)
        for method in route.methods.split():
            response = browser.client.open(
                path, method=method, data={"csrf_token": token}, base_url="http://guichet.test"
            )
            assert response.status_code == 303, f"{method} {path}"
            assert "/new-link" in response.headers["Location"], f"{method} {path}"


def test_what_has_lasting_effect_asks_for_a_code(doors: dict[str, Flask], dora: Dora) -> None:
    app = doors["portal"]
    browser = sign_in(app, dora)

    for route in portal_urls.ROUTES:
        if route.guard.name == "verified":
            path = re.sub(r"<uuid:\w+>", str(uuid.uuid4()), route.path)
            for method in route.methods.split():
                where = _ask(browser, method, path, location=True)
                assert "/code?next=" in str(where), f"{method} {path}: {where}"


def _verified(app: Flask, who: Dora) -> Browser:
    from sqlalchemy import update

    from shared.access.models import PortalSession

    browser = sign_in(app, who)
    with transaction() as session:
        session.execute(
            update(PortalSession).where(PortalSession.debtor_id == who.debtor_id).values(verified_at=clock.now())
        )
    return browser


def _token(browser: Browser, path: str) -> str:
    found: str = browser.open(path).tree.xpath("//input[@name='csrf_token']/@value")[0]
    return found


def _ask(
    browser: Browser, method: str, path: str, data: dict[str, str] | None = None, *, location: bool = False
) -> int | str:
    sent = {**(data or {}), "csrf_token": _token(browser, "/")} if method == "POST" else None
    response = browser.client.open(
        path, method=method, data=sent, headers=browser.headers, base_url="http://guichet.test"
    )
    return response.headers.get("Location", "") if location else response.status_code


def test_a_route_says_its_methods_and_path() -> None:
    for door in DOORS.values():
        for route in door:
            assert isinstance(route, Route)
            assert set(route.methods.split()) <= {"GET", "POST"}, route
            assert route.path.startswith("/"), route
