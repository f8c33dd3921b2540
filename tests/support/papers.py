"""Facts of papers for tests: one honest example of each kind, changed by keyword."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shared.documents.facts import (
    BankFacts,
    InstalmentFacts,
    InvoiceFacts,
    LineFacts,
    MandateFacts,
    MovementFacts,
    OpenItemFacts,
    PartyFacts,
    PlanFacts,
    PlannedInvoiceFacts,
    ReceiptFacts,
    SettledFacts,
    SignatureFacts,
    StatementFacts,
    VatFacts,
)
from shared.kit.money import Money

SELLER = PartyFacts(
    name="Atelier Lumière",
    legal_form="SAS",
    capital="20 000 €",
    trade_register="RCS Lyon",
    street="12 quai Saint-Antoine",
    postcode="69002",
    city="Lyon",
    siren="552100554",
    siret="55210055400013",
    vat_number="FR31552100554",
    email="compta@atelier-lumiere.example",
    phone="04 72 00 00 00",
)
BUYER = PartyFacts(
    name="Menuiserie Durand & Fils",
    street="8 rue des Forges",
    street_more="Bâtiment B",
    postcode="38000",
    city="Grenoble",
    siren="732829320",
    vat_number="FR44732829320",
    account_code="411DURAND",
    email="factures@durand.example",
)
BANK = BankFacts(iban="FR7630006000011234567890189", bic="AGRIFRPP", holder="Atelier Lumière")


def euros(amount: str) -> Money:
    return Money.of(Decimal(amount))


def line(description: str, quantity: str, price: str, rate: str = "20", **changes: Any) -> LineFacts:
    net = Money(int((Decimal(quantity) * Decimal(price) * 100).to_integral_value()))
    facts = LineFacts(
        description=description,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        net=net,
        vat_rate=Decimal(rate),
    )
    return replace(facts, **changes)


def vats_of(lines: tuple[LineFacts, ...]) -> tuple[VatFacts, ...]:
    bases: dict[tuple[str, Decimal], Money] = {}
    for entry in lines:
        key = (entry.vat_category, entry.vat_rate)
        bases[key] = bases.get(key, Money.zero()) + entry.net
    return tuple(
        VatFacts(category=category, rate=rate, base=base, vat=base.share(rate / 100))
        for (category, rate), base in bases.items()
    )


def invoice(lines: tuple[LineFacts, ...] | None = None, **changes: Any) -> InvoiceFacts:
    lines = lines or (
        line("Conception lumière du hall d’accueil, étude et plans", "3", "640.00", unit="j"),
        line("Luminaire suspendu « Orion » Ø 60 cm, laiton brossé", "12", "148.50"),
        line("Pose et réglage sur site", "14.5", "52.00", rate="10", unit="h"),
        line("Guide d’entretien imprimé", "4", "9.50", rate="5.5"),
    )
    vats = vats_of(lines)
    net = sum((entry.base for entry in vats), Money.zero())
    vat = sum((entry.vat for entry in vats), Money.zero())
    facts = InvoiceFacts(
        kind="invoice",
        number="F-2026-0143",
        issued_on=date(2026, 3, 14),
        due_on=date(2026, 4, 13),
        language="fr",
        seller=SELLER,
        buyer=BUYER,
        lines=lines,
        vats=vats,
        net=net,
        vat=vat,
        total=net + vat,
        order_reference="BC-7781",
        bank=BANK,
    )
    return replace(facts, **changes)


def statement(**changes: Any) -> StatementFacts:
    facts = StatementFacts(
        company=SELLER,
        debtor=BUYER,
        since=date(2026, 1, 1),
        until=date(2026, 4, 30),
        language="fr",
        opening=euros("1240.00"),
        closing=euros("4108.20"),
        movements=(
            MovementFacts(
                on=date(2026, 1, 12), label="Paiement par carte", reference="PAY-7F3K-2M9Q-4", credit=euros("1240.00")
            ),
            MovementFacts(on=date(2026, 2, 3), label="Facture", reference="F-2026-0098", debit=euros("2160.00")),
            MovementFacts(on=date(2026, 3, 14), label="Facture", reference="F-2026-0143", debit=euros("4548.20")),
            MovementFacts(on=date(2026, 3, 20), label="Avoir", reference="A-2026-0011", credit=euros("240.00")),
            MovementFacts(
                on=date(2026, 4, 2), label="Prélèvement SEPA", reference="PAY-93KX-VB2M-T", credit=euros("2360.00")
            ),
        ),
        open_items=(
            OpenItemFacts(
                kind="invoice",
                number="F-2026-0098",
                issued_on=date(2026, 2, 3),
                due_on=date(2026, 3, 5),
                total=euros("2160.00"),
                open=euros("300.00"),
                in_progress=euros("0"),
            ),
            OpenItemFacts(
                kind="invoice",
                number="F-2026-0143",
                issued_on=date(2026, 3, 14),
                due_on=date(2026, 4, 13),
                total=euros("4548.20"),
                open=euros("4048.20"),
                in_progress=euros("1000.00"),
            ),
            OpenItemFacts(
                kind="credit_note",
                number="A-2026-0011",
                issued_on=date(2026, 3, 20),
                due_on=None,
                total=euros("240.00"),
                open=euros("-240.00"),
                in_progress=euros("0"),
            ),
        ),
        bank=BANK,
    )
    return replace(facts, **changes)


def receipt(**changes: Any) -> ReceiptFacts:
    facts = ReceiptFacts(
        reference="PAY-93KX-VB2M-T",
        company=SELLER,
        debtor=BUYER,
        language="fr",
        means="debit",
        amount=euros("2360.00"),
        paid_on=date(2026, 4, 2),
        made_on=date(2026, 4, 3),
        is_final=False,
        settled=(
            SettledFacts(number="F-2026-0098", issued_on=date(2026, 2, 3), amount=euros("1860.00")),
            SettledFacts(number="F-2026-0143", issued_on=date(2026, 3, 14), amount=euros("500.00")),
        ),
        final_on=date(2026, 4, 10),
        rum="GCL-7Q2M9X",
        account_ending="0189",
    )
    return replace(facts, **changes)


def mandate(**changes: Any) -> MandateFacts:
    facts = MandateFacts(
        rum="GCL-7Q2M9X",
        ics="FR72ZZZ123456",
        creditor=SELLER,
        debtor=BUYER,
        language="fr",
        holder="Menuiserie Durand & Fils",
        iban_ending="0606",
        iban_country="FR",
        bank_name="Banque de Savoie",
        signature=SignatureFacts(
            at=datetime(2026, 3, 16, 9, 32, 11, tzinfo=UTC),
            by="Claire Durand",
            address="203.0.113.24",
            text_version="sepa-core-2026-01",
        ),
    )
    return replace(facts, **changes)


def plan(invoice_count: int = 3, instalment_count: int = 4, **changes: Any) -> PlanFacts:
    """An acknowledgement of debt of so many invoices of 100 €, paid in so many instalments by direct debit."""
    total = Money(10_000 * invoice_count)
    facts = PlanFacts(
        reference="PL-2026-0042",
        company=SELLER,
        debtor=BUYER,
        language="fr",
        zone="Europe/Paris",
        total=total,
        total_in_words="trois cents euros",
        invoices=tuple(
            PlannedInvoiceFacts(
                number=f"F-2026-{number:04}",
                issued_on=date(2026, 1, 5),
                due_on=date(2026, 2, 4),
                amount=Money(10_000),
            )
            for number in range(1, invoice_count + 1)
        ),
        instalments=tuple(
            InstalmentFacts(position=position, due_on=date(2026 + position // 12, position % 12 + 1, 5), amount=share)
            for position, share in enumerate(total.split(instalment_count), start=1)
        ),
        wording=(
            "Menuiserie Durand & Fils reconnaît devoir à Atelier Lumière la somme indiquée, au titre des factures listées ici.",
            "Menuiserie Durand & Fils s’engage à régler cette somme par les échéances listées ici, chacune au plus tard à sa date.",
            "Cet échéancier est gratuit : ni frais ni intérêts ne s’ajoutent à la dette.",
        ),
        clause="",
        grace_days=8,
        signature=SignatureFacts(
            at=datetime(2026, 3, 16, 9, 32, 11, tzinfo=UTC),
            by="Claire Durand",
            address="203.0.113.24",
            text_version="plan-2026-01",
        ),
        email="factures@durand.example",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        verified_at=datetime(2026, 3, 16, 9, 31, 2, tzinfo=UTC),
        rum="GCL-7Q2M9X",
        ics="FR72ZZZ123456",
        iban_ending="0606",
    )
    return replace(facts, **changes)
