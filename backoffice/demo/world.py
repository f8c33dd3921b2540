"""Who lives in the demo, and what each of them owes: data alone. Days are counted from the day of the first start."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

from stdnum import luhn

from shared.debtors.models import DebtorKind

SEED = 20260322


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice: due so many days from today (negative: late), its lines, and what was paid of it by transfer."""

    due_in: int
    lines: tuple[tuple[str, str, str], ...]
    """(description, quantity, unit price before VAT)"""
    vat: str = "20"
    paid: bool = False
    order: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer account and its people."""

    code: str
    name: str
    contacts: tuple[tuple[str, str], ...]
    """(name, address)"""
    bills: tuple[Bill, ...] = ()
    kind: DebtorKind = DebtorKind.BUSINESS
    language: str = "fr"
    street: str = "3 rue de la Monnaie"
    postcode: str = "35000"
    city: str = "Rennes"
    country: str = "FR"
    credit: int = 0
    """Unapplied credit in cents: a transfer that paid too much."""
    credit_note: str = ""
    """A credit note of so much before VAT on the first bill."""
    held: bool = False
    """The first bill is on legal hold."""
    note: str = ""
    siren: str | None = field(default=None)


CHAIR = ("Fauteuil de bureau « Armor », hêtre et laine", "4", "289.00")
DESK = ("Bureau assis-debout 160 × 80 cm, chêne", "2", "742.50")
SHELF = ("Bibliothèque murale sur mesure, le mètre", "6.5", "318.40")
CARE = ("Entretien annuel du mobilier", "1", "180.00")
TABLE = ("Table de réunion, 10 places", "1", "2 340.00".replace(" ", ""))
LAMP = ("Lampe d’atelier, laiton", "3", "96.90")
SET_UP = ("Livraison et montage", "1", "145.00")

PEOPLE = (
    Person(
        "411VIDAL",
        "Librairie Vidal",
        (("Dora Vidal", "dora@librairie-vidal.example"), ("Cabinet Morvan", "compta@cabinet-morvan.example")),
        (
            Bill(-24, (SHELF, SET_UP), order="BC-2217"),
            Bill(-6, (LAMP,)),
            Bill(12, (CHAIR,)),
            Bill(-80, (DESK,), paid=True),
        ),
        siren="552100554",
    ),
    Person(
        "411RIVOAL",
        "Menuiserie Paul Rivoal",
        (("Paul Rivoal", "paul@menuiserie-rivoal.example"),),
        (
            Bill(-62, (TABLE, SET_UP)),
            Bill(-33, (DESK, DESK, SET_UP)),
            Bill(-31, (CHAIR,)),
            Bill(-4, (CARE,)),
        ),
        street="ZA du Moulin",
        postcode="22100",
        city="Dinan",
        note="Saison creuse jusqu’à Pâques ; préfère le téléphone le matin.",
    ),
    Person(
        "411BENALI",
        "Nadia Benali Conseil",
        (("Nadia Benali", "nadia@benali-conseil.example"),),
        (Bill(-17, (DESK, CHAIR)), Bill(9, (LAMP, SET_UP))),
        city="Nantes",
        postcode="44000",
        street="18 quai de la Fosse",
    ),
    Person(
        "411OCTAVE",
        "Octave & Fils",
        (("Octave Le Goff", "octave@octave-fils.example"), ("Cabinet Morvan", "compta@cabinet-morvan.example")),
        (Bill(-45, (CARE,), paid=True), Bill(-110, (TABLE,), paid=True)),
    ),
    Person(
        "411YVES",
        "Clinique Saint-Yves",
        (("Élise Tanguy", "elise@clinique-saint-yves.example"),),
        (Bill(18, (CHAIR, CHAIR, DESK)), Bill(20, (CARE,)), Bill(-30, (LAMP,), paid=True)),
        street="4 rue Adolphe-Leray",
    ),
    Person(
        "411HARBOUR",
        "Harbour Lights Ltd",
        (("George Whitfield", "george@harbour-lights.example"),),
        (Bill(-40, (SHELF,), vat="0"), Bill(-9, (TABLE, LAMP), vat="0"), Bill(21, (CHAIR,), vat="0")),
        held=True,
        note="First invoice with our solicitors in Dublin; nothing to be asked for until they answer.",
        language="en",
        street="7 Quay Street",
        postcode="D02 X285",
        city="Dublin",
        country="IE",
    ),
    Person(
        "411CAMILLE",
        "Camille Jouan",
        (("Camille Jouan", "camille.jouan@courriel.example"),),
        (Bill(-12, (LAMP, SET_UP)),),
        kind=DebtorKind.CONSUMER,
        street="22 rue Saint-Melaine",
    ),
    Person(
        "411HUGO",
        "Hugo Kerbrat Architecture",
        (("Hugo Kerbrat", "hugo@kerbrat-architecture.example"),),
        (Bill(-2, (DESK, SHELF)), Bill(27, (CARE, LAMP))),
        credit=15_000,
        credit_note="120.00",
    ),
)

_TRADES = (
    "Boulangerie",
    "Garage",
    "Pharmacie",
    "Hôtel",
    "Imprimerie",
    "Cidrerie",
    "Crêperie",
    "Fleuriste",
    "Optique",
    "École",
)
_NAMES = (
    "Le Bihan", "Guégan", "Morel", "Kervella", "Prigent", "Hamon", "Le Gall", "Rousseau", "Tréguier", "Colin",
    "Jaouen", "Mahé", "Perrin", "Le Floch", "Quéré", "Briand", "Salaün", "Cadiou", "Riou", "Abgrall",
)  # fmt: skip
_TOWNS = (
    ("35400", "Saint-Malo"),
    ("56000", "Vannes"),
    ("29200", "Brest"),
    ("22000", "Saint-Brieuc"),
    ("35500", "Vitré"),
)
_WARES = (CHAIR, DESK, SHELF, CARE, TABLE, LAMP, SET_UP)


def neighbours(count: int = 48) -> list[Person]:
    """Ordinary customers that fill the lists: always the same ones."""
    dice = random.Random(SEED)  # noqa: S311 - scenery, not a secret
    people = []
    for n in range(count):
        trade, name = _TRADES[n % len(_TRADES)], _NAMES[(n * 7) % len(_NAMES)]
        postcode, city = dice.choice(_TOWNS)
        bills = tuple(
            Bill(due, tuple(dice.sample(_WARES, dice.randint(1, 3))), paid=due < -5 and dice.random() < 0.72)
            for due in sorted(dice.sample(range(-150, 40), dice.randint(2, 9)))
        )
        slug = f"{trade}-{name}-{n}".lower().replace(" ", "").replace("é", "e").replace("ô", "o").replace("è", "e")
        address = f"contact@{_ascii(slug)}.example"
        people.append(
            Person(
                code=f"411C{n + 1:04d}",
                name=f"{trade} {name}",
                contacts=((f"{trade} {name}", address),),
                bills=bills,
                street=f"{dice.randint(1, 80)} rue du Port",
                postcode=postcode,
                city=city,
                siren=_siren(300_000_00 + n * 131),
            )
        )
    return people


def _ascii(text: str) -> str:
    return "".join(c for c in text if c.isascii() and (c.isalnum() or c == "-"))


def _siren(eight_digits: int) -> str:
    body = f"{eight_digits:08d}"
    return body + str(luhn.calc_check_digit(body))


def price(text: str) -> Decimal:
    return Decimal(text)
