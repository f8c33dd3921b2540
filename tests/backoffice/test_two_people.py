"""Two members of staff have one form open: the second reverts nothing without knowing."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from lxml import html
from sqlalchemy import select

import backoffice
from backoffice.access.models import StaffMember
from shared.debtors.models import DebtorContact
from shared.disputes import service as disputes
from shared.kit.db import reading, transaction
from shared.web.forms import BaseForm
from shared.web.shared_form import SharedForm

NOT_SHARED: dict[str, set[str]] = {
    "adds something new: there is nothing to overwrite": {
        "backoffice.chargebacks.forms.NoteForm",
        "backoffice.debtors.forms.NoteForm",
        "backoffice.debtors.money.forms.ReceiptForm",
        "backoffice.declarations.forms.DeclarationForm",
        "backoffice.declarations.forms.RecordForm",
        "backoffice.disputes.forms.NoteForm",
        "backoffice.disputes.forms.SayForm",
        "backoffice.disputes.opening.views.OpeningForm",
        "backoffice.imports.forms.UploadForm",
        "backoffice.invoices.forms.HoldForm",
        "backoffice.payments.forms.RefundForm",
        "backoffice.personal.forms.TermForm",
        "backoffice.personal.forms.WishForm",
        "backoffice.plans.decide.forms.OfferForm",
        "backoffice.promises.forms.PromiseForm",
    },
    "a step of an affair, which is refused when the affair stands elsewhere by now": {
        "backoffice.chargebacks.forms.DecideForm",
        "backoffice.debtors.money.forms.CreditForm",
        "backoffice.debtors.forms.MergeForm",
        "backoffice.declarations.forms.RefuseForm",
        "backoffice.disputes.forms.AcceptForm",
        "backoffice.disputes.forms.RejectForm",
        "backoffice.imports.forms.AnswersForm",
        "backoffice.imports.forms.ChoicesForm",
        "backoffice.imports.forms.UndoForm",
        "backoffice.payments.forms.UndoForm",
        "backoffice.personal.forms.DeclineForm",
        "backoffice.plans.decide.forms.ResumeForm",
        "backoffice.plans.decide.forms.TermsForm",
        "backoffice.plans.decide.forms.ToldForm",
    },
    "one value, which stands beside the button that sets it": {
        "backoffice.debtors.forms.PauseForm",
        "backoffice.disputes.forms.DeadlineForm",
    },
    "about oneself": {
        "backoffice.access.forms.ChosenPasswordForm",
        "backoffice.access.forms.CodeForm",
        "backoffice.access.forms.ConfirmForm",
        "backoffice.access.forms.PasswordForm",
        "backoffice.access.forms.SignInForm",
    },
}
"""Forms of the desk that carry no version, and why. A new form is a `SharedForm`, with a line in `EDITS`, or named here."""


@dataclass(frozen=True)
class Edit:
    """Where a form of what many may edit stands, and a field of it with two other values."""

    form: str
    page: str
    field: str
    values: tuple[str, str]
    act: str = ""
    """Where it is sent; "" is the page itself."""
    prefix: str = ""


EDITS = [
    Edit("backoffice.setup.forms.CompanyForm", "/setup", "phone", ("01 11", "02 22")),
    Edit(
        "backoffice.setup.forms.BankForm",
        "/setup/bank",
        "ics",
        ("FR72ZZZ111111", "FR72ZZZ222222"),
    ),
    Edit(
        "backoffice.plans.policy.forms.PolicyForm",
        "/setup/plans",
        "longest_months",
        ("7", "9"),
        prefix="consumer-",
    ),
    Edit("backoffice.promises.forms.LimitsForm", "/setup/promises", "grace_days", ("7", "9")),
    Edit("backoffice.declarations.forms.TermsForm", "/setup/declarations", "back_days", ("7", "9")),
    Edit("backoffice.disputes.setup.views.PolicyForm", "/setup/disputes", "reopen_days", ("7", "9")),
    Edit("backoffice.disputes.setup.views.ReasonForm", "/setup/disputes/price", "deadline_days", ("7", "9")),
    Edit("backoffice.debtors.forms.ContactForm", "/debtors/{dora}/people/{contact}", "phone", ("01 11", "02 22")),
    Edit("backoffice.debtors.forms.DetailsForm", "/debtors/{dora}/edit", "city", ("Rouen", "Caen")),
    Edit("backoffice.access.forms.StaffForm", "/staff/{staff}", "name", ("Ann", "Bea")),
]
ELSEWHERE = {
    "backoffice.reminders.scenarios.forms.ScenarioForm",
    "backoffice.replies.views.ReplyForm",
    "backoffice.replies.views.NewReplyForm",
    "backoffice.disputes.setup.views.NewReasonForm",
    "backoffice.setup.forms.NewCompanyForm",
    "backoffice.access.forms.NewStaffForm",
}
"""Tried in their own rooms, or a form of the same fields for something new."""


def test_every_form_of_the_desk_carries_a_version_or_says_why_it_needs_none() -> None:
    found = {f"{each.__module__}.{each.__name__}": issubclass(each, SharedForm) for each in forms()}
    silent = set().union(*NOT_SHARED.values())

    assert {name for name, is_shared in found.items() if not is_shared} == silent
    assert {name for name, is_shared in found.items() if is_shared} == {each.form for each in EDITS} | ELSEWHERE


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.form.rpartition(".")[2] + edit.page.replace("/", "-"))
def test_the_second_of_two_people_reverts_nothing_unseen(ines, world, edit: Edit) -> None:
    path, field = place(world, edit), edit.prefix + edit.field
    first, second, unchanged = (sheet(ines, path, field) for _turn in range(3))

    assert ines.post(path, first | {field: edit.values[0]}).status_code == 303
    met = ines.post(path, second | {field: edit.values[1]})
    assert met.status_code == 422
    assert f"A colleague has saved meanwhile: {edit.values[0]}" in met.text
    assert ines.post(path, unchanged).status_code == 303
    assert sheet(ines, path, field)[field] == edit.values[0], "who changed nothing reverts nothing"

    again = sheet(ines, path, field, text=met.text)
    assert again[field] == edit.values[1]
    assert ines.post(path, again).status_code == 303
    assert sheet(ines, path, field)[field] == edit.values[1], "knowing it, the second may"


def place(world, edit: Edit) -> str:
    with transaction() as session:
        disputes.ensure_reasons(session, world.company)
    with reading() as session:
        contact = session.scalars(select(DebtorContact.contact_id).where(DebtorContact.debtor_id == world.dora)).first()
        staff = session.scalars(select(StaffMember.id)).first()
    return edit.page.format(dora=world.dora, contact=contact, staff=staff)


def sheet(desk, path: str, field: str, *, text: str = "") -> dict[str, str]:
    """What stands in the form of the page that has this field."""
    tree = html.fromstring(text or desk.get(path).text)
    form = next(each for each in tree.forms if field in each.fields)
    return {name: value for name, value in form.fields.items() if value is not None and name != "csrf_token"}


def forms() -> Iterator[type[BaseForm]]:
    """Every form class of the desk."""
    for module in pkgutil.walk_packages(backoffice.__path__, "backoffice."):
        if module.name.rpartition(".")[2] in ("forms", "views"):
            importlib.import_module(module.name)
    waiting = BaseForm.__subclasses__()
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each.__module__.startswith("backoffice."):
            yield each
