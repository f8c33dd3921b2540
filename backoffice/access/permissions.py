"""What each role may do: one table, pure."""

from __future__ import annotations

import enum


class Role(enum.Enum):
    """What somebody is at the desk."""

    AGENT = "agent"
    """Speaks with debtors."""
    MANAGER = "manager"
    """Leads the agents; decides what leaves the house."""
    ACCOUNTANT = "accountant"
    """Records, allocates and gives back money."""
    AUDITOR = "auditor"
    """Reads everything and changes nothing."""
    ADMIN = "admin"
    """Looks after the company's settings and the staff."""


_EVERYBODY = frozenset(Role)
_WORKERS = _EVERYBODY - {Role.AUDITOR}
_LEADERS = frozenset({Role.MANAGER, Role.ADMIN})
_MONEY = frozenset({Role.MANAGER, Role.ACCOUNTANT, Role.ADMIN})
_OVERSIGHT = frozenset({Role.MANAGER, Role.ACCOUNTANT, Role.AUDITOR, Role.ADMIN})
_ADMINS = frozenset({Role.ADMIN})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "desk.enter": _EVERYBODY,
    "debtors.read": _EVERYBODY,
    "debtors.write": _WORKERS,
    "contacts.agree": _LEADERS,
    "debtors.export": _OVERSIGHT,
    "debtors.merge": _MONEY,
    "links.send": _WORKERS,
    "links.revoke": _WORKERS,
    "invoices.read": _EVERYBODY,
    "invoices.export": _OVERSIGHT,
    "invoices.hold": _MONEY,
    "invoices.cancel": _MONEY,
    "payments.read": _EVERYBODY,
    "payments.export": _OVERSIGHT,
    "payments.ask": _WORKERS,
    "receipts.record": _MONEY,
    "receipts.undo": _MONEY,
    "credit.apply": _MONEY,
    "refunds.ask": _MONEY,
    "giving.approve": _LEADERS,
    "chargebacks.read": _EVERYBODY,
    "chargebacks.write": _WORKERS,
    "chargebacks.decide": _MONEY,
    "disputes.read": _EVERYBODY,
    "disputes.export": _OVERSIGHT,
    "disputes.write": _WORKERS,
    "disputes.resolve": _MONEY,
    "statistics.read": _OVERSIGHT,
    "plans.read": _EVERYBODY,
    "plans.export": _OVERSIGHT,
    "plans.write": _WORKERS,
    "plans.decide": _MONEY,
    "mandates.read": _EVERYBODY,
    "mandates.cancel": _MONEY,
    "collections.read": _EVERYBODY,
    "collections.run": _MONEY,
    "promises.read": _EVERYBODY,
    "promises.write": _WORKERS,
    "promises.export": _OVERSIGHT,
    "declarations.read": _EVERYBODY,
    "declarations.write": _WORKERS,
    "declarations.export": _OVERSIGHT,
    "reminders.read": _EVERYBODY,
    "reminders.run": _LEADERS,
    "reminders.write": _LEADERS,
    "messages.read": _EVERYBODY,
    "messages.export": _OVERSIGHT,
    "messages.send": _WORKERS,
    "imports.read": _OVERSIGHT,
    "imports.run": _MONEY,
    "system.read": _OVERSIGHT,
    "system.act": _ADMINS,
    "audit.read": _OVERSIGHT,
    "replies.write": _LEADERS,
    "personal.read": _OVERSIGHT,
    "personal.export": _LEADERS,
    "personal.erase": _LEADERS,
    "personal.sweep": _LEADERS,
    "company.read": _EVERYBODY,
    "company.write": _ADMINS,
    "staff.read": _OVERSIGHT,
    "staff.write": _ADMINS,
}
"""Every permission and the roles that have it."""


def may(role: Role, permission: str) -> bool:
    """Whether a role has a permission; an unknown one raises KeyError, so that a misspelt guard never opens a door."""
    return role in PERMISSIONS[permission]
