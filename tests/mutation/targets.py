"""What is mutated, and the tests that are asked: those that say what the module is for, the quick ones first.

Of these tests a mutant meets those that run its line, the quickest first, until one fails.
"""

from __future__ import annotations

TARGETS: dict[str, tuple[str, ...]] = {
    # what is decided, without a database
    "shared/ledger/rules.py": ("tests/shared/ledger/test_rules.py",),
    "shared/giving/rules.py": ("tests/shared/giving",),
    "shared/promises/rules.py": ("tests/shared/promises/test_rules.py",),
    "shared/disputes/rules.py": ("tests/shared/disputes/test_rules.py",),
    "shared/messages/rules.py": ("tests/shared/messages/test_rules.py",),
    "shared/debtors/rules.py": ("tests/shared/debtors/test_rules.py", "tests/backoffice/imports/test_identity.py"),
    "shared/documents/rules.py": ("tests/shared/documents/test_rules.py", "tests/shared/documents/test_render.py"),
    "shared/attachments/rules.py": (
        "tests/shared/attachments/test_rules.py",
        "tests/shared/attachments/test_examine.py",
    ),
    "payments/status.py": (
        "tests/payments/test_status.py",
        "tests/payments/test_status_kept.py",
        "tests/payments/test_status_tables.py",
    ),
    "payments/reasons.py": ("tests/payments/test_reasons.py",),
    "payments/deciding.py": ("tests/payments/collections/test_rules.py",),
    "payments/collections/rules.py": ("tests/payments/collections/test_rules.py",),
    "payments/plans/rules.py": ("tests/payments/plans/test_rules.py",),
    "payments/declarations/rules.py": ("tests/payments/declarations/test_rules.py",),
    "payments/payouts/rules.py": ("tests/payments/payouts/test_rules.py",),
    "payments/chargebacks/rules.py": ("tests/payments/chargebacks/test_rules.py",),
    "backoffice/access/rules.py": ("tests/backoffice/access/test_rules.py",),
    "backoffice/notices/rules.py": ("tests/backoffice/notices/test_rules.py",),
    "backoffice/reminders/rules.py": ("tests/backoffice/reminders/test_rules.py",),
    "backoffice/replies/rules.py": ("tests/backoffice/replies/test_rules.py",),
    "portal/pay/rules.py": ("tests/portal/pay/test_rules.py",),
    # what is written, in a real database
    "shared/ledger/service.py": ("tests/shared/ledger",),
    "shared/ledger/enter.py": ("tests/shared/ledger",),
    "shared/ledger/cancel.py": ("tests/shared/ledger",),
}
"""A module, and the tests that concern it."""

COLLECTIONS = ("tests/payments/collections",)

TARGETS |= {
    f"payments/collections/{name}.py": COLLECTIONS
    for name in (
        *(
            "announce",
            "choice",
            "collect",
            "contested",
            "eligible",
            "instalments",
            "jobs",
            "notices",
            "pace",
            "queries",
        ),
        *("reconsider", "run", "service", "standing", "tell", "withdraw"),
    )
}
