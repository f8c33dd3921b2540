"""The policy page of the set-up: what is granted at once to businesses and to consumers."""

from __future__ import annotations

from flask import flash, request
from flask.typing import ResponseReturnValue

from backoffice.access.member import Member
from backoffice.plans.policy.forms import PolicyForm, as_data, as_policy
from payments.plans import proposals, service
from payments.plans.rules import Policy
from shared.debtors.models import DebtorKind
from shared.kit.db import reading, transaction
from shared.kit.errors import Invalid
from shared.kit.words import gettext as _
from shared.web.pages import page, see_other

KINDS = (DebtorKind.BUSINESS, DebtorKind.CONSUMER)


def show(member: Member) -> ResponseReturnValue:
    """Both policies beside each other."""
    return _page(member, {})


def _page(member: Member, typed: dict[DebtorKind, PolicyForm], *, status: int = 200) -> ResponseReturnValue:
    with reading() as session:
        known = {kind: proposals.policy_of(session, member.company_id, kind) for kind in KINDS}
    forms = {kind: typed.get(kind) or _stored(kind, known[kind], member) for kind in KINDS}
    return page("backoffice/plans/policy/show.html", status=status, forms=forms)


def _stored(kind: DebtorKind, policy: Policy, member: Member) -> PolicyForm:
    return PolicyForm(None, prefix=f"{kind.value}-", data=as_data(policy, member.desk.currency))


def change(member: Member) -> ResponseReturnValue:
    """Save one of them. Agreements that stand keep the words they were made with."""
    kind = next((one for one in KINDS if one.value == request.form.get("kind")), None)
    if kind is None:
        raise Invalid("policy.kind", _("There is no such policy."))
    form = PolicyForm(None, prefix=f"{kind.value}-")
    form.largest_total.currency = form.smallest_instalment.currency = member.desk.currency
    form.process(request.form)
    with reading() as session:
        stored = _stored(kind, proposals.policy_of(session, member.company_id, kind), member)
    if not form.validate() or any(field.errors for field in form) or form.met_another(stored):
        return _page(member, {kind: form}, status=422)
    try:
        with transaction() as session:
            service.set_policy(
                session, company_id=member.company_id, kind=kind, policy=as_policy(form), by=member.as_actor()
            )
    except Invalid as refusal:
        form.form_errors = [*form.form_errors, refusal.message]
        return _page(member, {kind: form}, status=422)
    flash(_("Saved. It counts for plans that are proposed from now on."), "good")
    return see_other("backoffice.plans.policy.show")
