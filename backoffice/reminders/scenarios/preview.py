"""How a step's letter reads, with an example debtor of this company: nothing is sent or kept."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from backoffice.reminders.explain import reason_of
from backoffice.reminders.models import Tone
from shared.company.models import Company
from shared.kit.money import Money
from shared.kit.words import speaking
from shared.messages import service as messages
from shared.messages.render import Rendered, render

EXAMPLE_NAME = "Dora Vidal"
EXAMPLE_DEBTOR = "Vidal & Filles"


def letter(
    session: Session, company_id: uuid.UUID, *, tone: Tone, offset_days: int, language: str, today: date
) -> Rendered:
    """The letter of a step for an example debtor with two invoices, the older one at this step today."""
    company = session.get_one(Company, company_id)
    about = messages.company_facts(company)
    first = today - timedelta(days=offset_days)
    rows = [
        _row("F-1042", first, 38_000, company.currency),
        _row("F-1058", first + timedelta(days=2), 12_450, company.currency),
    ]
    rows = [each for each in rows if (today - each["due_on"]).days >= min(offset_days, 1)] or rows[:1]
    with speaking(language):
        facts: dict[str, Any] = {
            "company": about,
            "accent": about["accent"],
            "on_accent": about["on_accent"],
            "debtor": {"name": EXAMPLE_DEBTOR, "account_code": "C-10093", "kind": "business"},
            "contact": {"name": EXAMPLE_NAME, "email": "dora@example.org"},
            "today": today,
            "link": "https://…",
            "why": reason_of(offset_days),
            "is_mixed": False,
            "tone": tone.value if offset_days > 0 else Tone.NOTICE.value,
            "total": Money(sum(each["open"].minor for each in rows), company.currency),
            "rows": rows,
            "hidden_count": 0,
            "credit": None,
            "iban": " ".join(company.iban[i : i + 4] for i in range(0, len(company.iban), 4)),
            "is_business": True,
            "contested": None,
        }
        return render("reminder", facts, language=language)


def _row(number: str, due_on: date, minor: int, currency: str) -> dict[str, Any]:
    return {"number": number, "due_on": due_on, "open": Money(minor, currency)}
