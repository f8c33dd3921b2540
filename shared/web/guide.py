"""What the style guide shows: one imaginary account, so that each component and four whole pages can be looked at.

Nothing here reads the database. The names are those of the demo world.
"""

from datetime import date
from typing import Any

from wtforms import BooleanField, Form, RadioField, SelectField, StringField, TextAreaField, validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # the published types lag behind 3.3

from shared.kit.money import Money
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l
from shared.kit.words import ngettext

TODAY = date(2026, 3, 9)


class GuideForm(Form):
    """A form that was sent with two mistakes."""

    amount = StringField(_l("Amount"), [validators.InputRequired(_l("Write the amount you want to pay."))])
    reason = RadioField(
        _l("What is wrong?"),
        choices=[
            SelectChoice("goods", _l("Something was not delivered")),
            SelectChoice("price", _l("The price is not what we agreed")),
        ],
        validators=[validators.InputRequired(_l("Choose what fits best."))],
    )
    owner = SelectField(
        _l("Owner"), choices=[SelectChoice("ines", "Inès Morel"), SelectChoice("charles", "Charles Petit")]
    )
    message = TextAreaField(_l("In your words"))
    agree = BooleanField(_l("I have read the mandate and agree"))


def _euros(minor: int) -> Money:
    return Money(minor, "EUR")


def _invoice(number: str, due_on: date, open_: int, status: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "number": number,
        "url": "#",
        "due_on": due_on,
        "issued_on": due_on.replace(day=1),
        "open": _euros(open_),
        "total": _euros(more.pop("total", open_)),
        "status": {"word": status[0], "tone": status[1]},
        **more,
    }


def _invoices() -> list[dict[str, Any]]:
    return [
        _invoice("FA-2026-0118", date(2026, 2, 13), 38000, (_("24 days late"), "late")),
        _invoice("FA-2026-0131", date(2026, 2, 25), 12450, (_("12 days late"), "late"), total=62450),
        _invoice(
            "FA-2026-0150",
            date(2026, 3, 14),
            73000,
            (_("To pay"), "neutral"),
            checked=True,
        ),
        _invoice(
            "FA-2026-0152",
            date(2026, 3, 20),
            20000,
            (_("On its way"), "wait"),
            selectable=False,
            note=_("Direct debit planned for 14 March"),
        ),
        _invoice("FA-2026-0163", date(2026, 4, 8), 9900, (_("To pay"), "neutral")),
    ]


def _debtors() -> list[dict[str, Any]]:
    rows = [
        ("Boulangerie Marceau", "C-10018", 4, 1_284_550, 438_000, "24", "late", "Inès Morel"),
        ("Garage des Trois Vallées", "C-10042", 2, 812_000, 812_000, "61", "late", "Charles Petit"),
        ("Imprimerie Lenoir & Fils", "C-10077", 7, 640_210, 0, "", "neutral", "Inès Morel"),
        ("Cabinet Dora Vidal", "C-10093", 5, 123_450, 50_450, "24", "late", "Inès Morel"),
        ("Hôtel du Parc", "C-10104", 1, 98_000, 0, "", "wait", "Charles Petit"),
        ("Menuiserie Paul Astier", "C-10121", 3, 96_300, 32_100, "8", "info", "Inès Morel"),
        ("Fleurs de Nadia", "C-10138", 2, 54_000, 54_000, "17", "info", "Inès Morel"),
        ("Octave Conseil", "C-10155", 0, 0, 0, "", "good", "Charles Petit"),
        ("Transports Kervella", "C-10160", 11, 2_310_400, 190_000, "5", "late", "Charles Petit"),
        ("Pharmacie de la Gare", "C-10171", 1, 18_640, 0, "", "neutral", "Inès Morel"),
        ("Lycée Saint-Exupéry", "C-10188", 2, 402_700, 0, "", "neutral", "Inès Morel"),
        ("Société de Nettoyage Industriel de la Basse-Loire", "C-10190", 6, 77_815, 12_000, "3", "late", "Inès Morel"),
    ]
    words = {
        "late": _("Late"),
        "neutral": _("Open"),
        "wait": _("In progress"),
        "info": _("Frozen"),
        "good": _("Settled"),
    }
    return [
        {
            "name": name,
            "number": number,
            "count": count,
            "open": _euros(open_),
            "late": _euros(late),
            "days": days,
            "tone": tone,
            "word": words[tone],
            "owner": owner,
        }
        for name, number, count, open_, late, days, tone, owner in rows
    ]


def _story() -> list[dict[str, Any]]:
    return [
        {
            "title": _("Direct debit announced"),
            "amount": _euros(20000),
            "when": "9 mars, 08:02",
            "tone": "wait",
            "icon": "repeat",
            "text": _("FA-2026-0152, to be charged on 14 March"),
            "href": "#",
        },
        {
            "title": _("Reminder, second level"),
            "when": "7 mars, 07:00",
            "icon": "mail",
            "href": "#",
            "text": _("To dora@vidal.example, opened by link"),
            "who": _("clock"),
        },
        {
            "title": _("Note"),
            "when": "5 mars, 15:41",
            "icon": "note",
            "who": "Inès Morel",
            "text": _("Called. The accountant is back on Monday and will pay the February invoices by card."),
        },
        {
            "title": _("Paid by card"),
            "amount": _euros(50000),
            "when": "3 mars, 18:20",
            "tone": "good",
            "icon": "card",
            "text": "FA-2026-0131",
            "href": "#",
        },
        {
            "title": _("Direct debit returned"),
            "amount": _euros(38000),
            "when": "18 févr., 06:10",
            "tone": "late",
            "icon": "undo",
            "text": _("AM04, insufficient funds; the invoice is open again"),
            "href": "#",
        },
    ]


def _progress() -> list[dict[str, Any]]:
    return [
        {"title": _("Invoice issued"), "when": "1er février 2026", "icon": "invoice"},
        {"title": _("Due"), "when": "25 février 2026", "icon": "calendar"},
        {"title": _("Paid in part by card"), "when": "3 mars 2026", "amount": _euros(50000), "tone": "good"},
        {"title": _("Still to pay"), "when": _("12 days late"), "amount": _euros(12450), "tone": "late"},
    ]


def _rail() -> list[tuple[str | int | None, ...]]:
    return [
        ("t", _("Today"), "#", "today", 7, "late"),
        ("d", _("Debtors"), "#", "users", None),
        ("i", _("Invoices"), "#", "invoice", None),
        ("p", _("Payments"), "#", "wallet", 3),
        ("c", _("Collections"), "#", "repeat", None),
        ("m", _("Mandates"), "#", "pen", None),
        ("r", _("Reminders"), "#", "bell", 12),
        ("e", _("Messages"), "#", "mail", 2, "late"),
        ("u", _("Imports"), "#", "upload", None),
        ("s", _("System"), "#", "system", None),
    ]


def examples() -> dict[str, Any]:
    """Everything the guide's templates and the examples in the components' first comments name."""
    form = GuideForm(data={"owner": "ines", "message": _("Two of the four boxes were empty.")})
    form.validate()
    return {
        "company": {"name": "Atelier Ronsard", "legal_line": "Atelier Ronsard SAS · SIREN 732 829 320"},
        "account": {"name": "Cabinet Dora Vidal", "code": "411DURAND"},
        "language_links": [("fr", "Français", "?language=fr"), ("en", "English", "?language=en")],
        "nav": [
            (_("Account"), "#", True),
            (_("Payments"), "#", False),
            (_("Documents"), "#", False),
            (_("Access"), "#", False),
        ],
        "home_url": "#",
        "sign_out_url": "#",
        "search_url": "#",
        "staff": {"name": "Inès Morel"},
        "rail": _rail(),
        "today_example": TODAY,
        "account_example": {"name": "Menuiserie Durand & Fils", "code": "411DURAND"},
        "sort_example": "-open",
        "money_example": _euros(123450),
        "late_example": _euros(50450),
        "coming_example": _euros(82900),
        "way_example": _euros(20000),
        "credit_example": _euros(1500),
        "section_examples": [
            {
                "kind": "promises",
                "title": _("Promises"),
                "what_for": _("By when somebody said that he would pay, and whether he did."),
                "legal_basis": _("Legitimate interest (GDPR art. 6.1.f)"),
                "kept": ngettext("%(n)s month", "%(n)s months", 60),
                "entries": [
                    {"title": "PRO-7F3K", "facts": [(_("State"), _("Kept"))], "texts": [(_("Note"), "…")]},
                ],
            }
        ],
        "nothing_example": _euros(0),
        "form_example": form,
        "invoice_examples": _invoices(),
        "debtor_examples": _debtors(),
        "story_examples": _story(),
        "progress_examples": _progress(),
        "line_examples": [
            (_("Upholstery of eight chairs"), "8", _euros(5200), _euros(41600)),
            (_("Linen, natural, by the metre"), "12", _euros(870), _euros(10440)),
        ],
        "sum_examples": (_euros(52040), _euros(10410), _euros(62450), _euros(50000), _euros(12450)),
        "age_examples": [
            (_("Not due"), _euros(82900), "#"),
            (_("1–30 days"), _euros(50450), "#"),
            (_("31–60 days"), _euros(31000), "#"),
            (_("61–90 days"), _euros(0), ""),
            (_("over 90 days"), _euros(9000), "#"),
        ],
    }
