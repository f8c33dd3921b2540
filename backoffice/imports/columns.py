"""Which column of a table is what: recognised by its heading in French or English, or mapped by hand.

Headings are compared without case, accents, punctuation and small words, so that "N° de facture", "Numéro facture",
"Invoice no." and "InvoiceNumber" are one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backoffice.imports.faults import Findings
from backoffice.imports.values import folded


class Role(StrEnum):
    """What a column can hold."""

    DEBTOR_CODE = "debtor_code"
    DEBTOR_NAME = "debtor_name"
    SIREN = "siren"
    VAT_NUMBER = "vat_number"
    CONTACT_NAME = "contact_name"
    EMAIL = "email"
    PHONE = "phone"
    LANGUAGE = "language"
    STREET = "street"
    POSTCODE = "postcode"
    CITY = "city"
    COUNTRY = "country"
    IBAN = "iban"
    NUMBER = "number"
    KIND = "kind"
    ISSUED_ON = "issued_on"
    DUE_ON = "due_on"
    TERMS = "terms"
    TOTAL = "total"
    NET = "net"
    VAT = "vat"
    OPEN = "open"
    PAID = "paid"
    CURRENCY = "currency"
    SETTLED_ON = "settled_on"
    PO_NUMBER = "po_number"
    LABEL = "label"
    DISPUTED = "disputed"


AMOUNTS = (Role.TOTAL, Role.OPEN, Role.PAID, Role.NET, Role.VAT)
DAYS = (Role.ISSUED_ON, Role.DUE_ON, Role.SETTLED_ON)

SURE = 100
LIKELY = 80

# The first heading of a role is its best: where two columns claim one role, the one named earlier wins.
_HEADINGS: dict[Role, str] = {
    Role.DEBTOR_CODE: "code client|client code|customer code|customer id|customer number|customer no|customer account|"
    "numero client|no client|n client|num client|id client|ref client|reference client|compte client|compte auxiliaire|"
    "compte tiers|code tiers|tiers|account number|account code|account|debtor code|debtor id|debtor|code debiteur|"
    "client id|cust id|cust number|cust no|compaux num|comp aux num|code compte|debtor number|identifiant client",
    Role.DEBTOR_NAME: "nom client|client name|customer name|raison sociale|nom du client|client|customer|company|"
    "company name|societe|nom|name|name customer|debtor name|intitule|intitule client|intitule tiers|libelle tiers|"
    "nom tiers|account name|bill to|billed to|facture a|denomination|debiteur|nom debiteur|entreprise|"
    "business name|customer company|comp aux lib",
    Role.SIREN: "siren|numero siren|siret|numero siret|siren siret|company registration|registration number|"
    "siren client|siret client",
    Role.VAT_NUMBER: "tva intracommunautaire|numero tva|vat number|vat no|vat id|vat registration|tva intra|no tva|"
    "n tva|n tva intracommunautaire|tva intracom|numero tva intracommunautaire|tax id|vat reg no|id tva",
    Role.CONTACT_NAME: "contact|nom contact|contact name|interlocuteur|attention|attn|a attention|billing contact|"
    "contact facturation|contact comptable",
    Role.EMAIL: "email|e mail|mail|courriel|adresse email|adresse e mail|adresse mail|adresse electronique|"
    "email address|e mail address|contact email|email contact|mail contact|email client|customer email|billing email|"
    "email facturation|mail client|e mail client|e mail facturation|courriel client",
    Role.PHONE: "telephone|tel|phone|phone number|telephone number|mobile|portable|numero telephone|contact phone|"
    "telephone client",
    Role.LANGUAGE: "langue|language|lang|locale|langue client|customer language|code langue",
    Role.STREET: "adresse|address|rue|street|adresse 1|address 1|address line 1|adresse facturation|billing address|"
    "street address|adresse ligne 1|voie",
    Role.POSTCODE: "code postal|postcode|post code|postal code|zip|zip code|cp",
    Role.CITY: "ville|city|town|commune|localite",
    Role.COUNTRY: "pays|country|country code|code pays|countrycode",
    Role.IBAN: "iban|iban client|customer iban|compte bancaire|bank account|numero iban|rib",
    Role.NUMBER: "numero facture|no facture|n facture|num facture|facture no|facture numero|facture n|facture num|"
    "invoice number|invoice no|invoice num|invoice id|invoice nr|invoice ref|invoice reference|invoice|facture|"
    "reference facture|ref facture|numero piece|no piece|n piece|num piece|piece ref|piece|document number|"
    "document no|document|doc no|doc number|bill number|bill no|numero document|no document|numero|number|reference|"
    "ref|no|id facture|facture reference|facture ref|reference piece|ref piece|invoice code",
    Role.KIND: "type|type document|document type|type piece|nature|nature piece|invoice type|type facture|kind|"
    "doc type|sens",
    Role.ISSUED_ON: "date facture|date facturation|date emission|date emission facture|invoice date|date invoice|"
    "issue date|issued on|issued|date issued|date piece|piece date|document date|date document|bill date|billing date|"
    "date comptable|posting date|emise|emise le|emis le|date|invoiced on|facturee le|facture le|invoice issue date|"
    "date ecriture|ecriture date",
    Role.DUE_ON: "date echeance|echeance|due date|due on|due|date due|date exigibilite|payment due|payment due date|"
    "date limite paiement|date limite reglement|echeance facture|a payer avant|pay by|invoice due date|maturity|"
    "maturity date|echeance le|date echeance facture|a echeance|date reglement prevue|date paiement prevue",
    Role.TERMS: "conditions paiement|conditions reglement|payment terms|terms|delai paiement|delai reglement|"
    "mode echeance|credit terms|condition reglement",
    Role.TOTAL: "montant ttc|total ttc|ttc|montant total ttc|montant facture ttc|invoice amount|amount incl vat|"
    "total incl vat|gross amount|gross total|amount gross|total amount|invoice total|total|montant total|"
    "montant facture|montant|amount|gross|total facture|amount including vat|total including vat|amount incl tax|"
    "total incl tax|montant toutes taxes comprises|original amount|montant initial|montant origine|valeur|"
    "facture ttc|debit|solde initial",
    Role.NET: "montant ht|total ht|ht|net amount|amount excl vat|total excl vat|montant hors taxe|montant hors taxes|"
    "net|subtotal|sous total|amount excluding vat|net total|amount excl tax",
    Role.VAT: "montant tva|tva|total tva|vat amount|vat|tax amount|tax|total vat|total tax|sales tax",
    Role.OPEN: "reste du|reste a payer|restant du|solde du|montant restant du|solde restant|reste a regler|"
    "montant restant|open amount|amount open|outstanding amount|amount outstanding|outstanding|balance due|amount due|"
    "balance|solde|remaining|remaining amount|amount remaining|remaining balance|unpaid amount|amount unpaid|unpaid|"
    "montant du|montant ouvert|impaye|montant impaye|open balance|open|encours|solde ttc|net a payer|solde facture|"
    "solde a payer",
    Role.PAID: "montant paye|montant regle|paid amount|amount paid|paid|paye|regle|deja regle|deja paye|encaisse|"
    "montant encaisse|total paye|total paid|acompte|reglements|payments|payment amount|amount received|credit",
    Role.CURRENCY: "devise|currency|currency code|monnaie|code devise|cur|ccy|devise facture|invoice currency",
    Role.SETTLED_ON: "regle le|date reglement|date paiement|settled date|date settled|settled on|settlement date|"
    "paid on|payment date|date paid|paid date|payee le|paye le|reglee le|soldee le|solde le|date encaissement|"
    "encaisse le|clear date|cleared on|clearing date|date solde|date lettrage|date let|clearing|closed on|"
    "date reglement effectif|date reglee|date payment",
    Role.PO_NUMBER: "numero commande|bon commande|no commande|n commande|po number|po no|po|purchase order|"
    "purchase order number|order number|commande|reference commande|ref commande|votre reference|your reference|"
    "customer reference|bon de commande|numero bon commande|order no|order ref|customer po|num commande|"
    "reference client commande|n bc|numero bc",
    Role.LABEL: "libelle|description|objet|designation|label|subject|libelle facture|memo|details|intitule facture|"
    "invoice description|ecriture lib|libelle ecriture|commentaire|comment|note|notes",
    Role.DISPUTED: "litige|en litige|disputed|dispute|in dispute|contestee|conteste|is disputed|litigieux",
}

_SMALL = frozenset(
    [
        "de",
        "du",
        "des",
        "la",
        "le",
        "les",
        "l",
        "d",
        "au",
        "aux",
        "the",
        "of",
        "en",
        "eur",
        "euro",
        "euros",
        "usd",
        "gbp",
        "chf",
    ]
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_APART = re.compile(r"[^a-z0-9]+")


def heading(text: str) -> str:
    """A heading's essence: "N° de facture" and "n_facture" are both "n facture"."""
    spaced = _CAMEL.sub(" ", text.replace("№", "n ").replace("n°", "n ").replace("N°", "N ").replace("#", " no "))
    words = _APART.sub(" ", folded(spaced)).split()
    kept = [word for word in words if word not in _SMALL]
    return " ".join(kept or words)


def _known() -> dict[str, list[tuple[Role, int]]]:
    names: dict[str, list[tuple[Role, int]]] = {}
    for role, text in _HEADINGS.items():
        for rank, name in enumerate(text.split("|")):
            names.setdefault(heading(name), []).append((role, rank))
    return names


_KNOWN = _known()
_JOINED = {name.replace(" ", ""): claims for name, claims in _KNOWN.items() if " " in name}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Where each role stands in a table.

    `places` maps a role to the index of its column; `confidence` says in percent how sure that is (100 by name, 80 by
    a part of the name, 100 by hand); `unmapped` are the headings that nothing uses.
    """

    headings: tuple[str, ...]
    places: dict[Role, int]
    confidence: dict[Role, int]

    @property
    def unmapped(self) -> tuple[str, ...]:
        used = set(self.places.values())
        return tuple(name for i, name in enumerate(self.headings) if i not in used and name.strip())

    def name_of(self, role: Role) -> str | None:
        """The heading of the column that holds a role."""
        place = self.places.get(role)
        return None if place is None else self.headings[place]

    def by_name(self) -> dict[str, str]:
        """Role → heading: the form that is remembered and shown."""
        return {role.value: self.headings[place] for role, place in self.places.items()}


def recognise(headings: Sequence[str]) -> ColumnMap:
    """Find the roles of a table's columns by their headings; each column gets one role and each role one column."""
    claims: list[tuple[int, int, int, Role]] = []
    for place, name in enumerate(headings):
        claims.extend((-sure, rank, place, role) for role, rank, sure in _claims(name))
    places: dict[Role, int] = {}
    confidence: dict[Role, int] = {}
    taken: set[int] = set()
    for minus_sure, _, place, role in sorted(claims, key=lambda claim: claim[:3]):
        if role not in places and place not in taken:
            places[role], confidence[role] = place, -minus_sure
            taken.add(place)
    return ColumnMap(tuple(headings), places, confidence)


def _claims(name: str) -> list[tuple[Role, int, int]]:
    essence = heading(name)
    if not essence:
        return []
    exact = _KNOWN.get(essence) or _JOINED.get(essence.replace(" ", ""))
    if exact:
        return [(role, rank, SURE) for role, rank in exact]
    without_brackets = heading(re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", name))
    inner = _KNOWN.get(without_brackets)
    return [(role, rank, LIKELY) for role, rank in inner] if inner else []


def by_hand(headings: Sequence[str], wishes: Mapping[str, str], findings: Findings) -> ColumnMap:
    """The recognised mapping with a person's choices over it.

    `wishes` maps a role's name to a heading, or to "" to leave the role out. Unknown roles and headings become faults.
    """
    found = recognise(headings)
    places, confidence = dict(found.places), dict(found.confidence)
    names = {name.strip(): i for i, name in reversed(list(enumerate(headings)))}
    for word, wish in wishes.items():
        if word not in Role.__members__.values():
            findings.add("mapping.unknown_role", value=word)
            continue
        role = Role(word)
        if wish and wish.strip() not in names:
            findings.add("mapping.unknown_heading", column=wish)
            continue
        places.pop(role, None)
        if wish:
            place = names[wish.strip()]
            for other in [other for other, at in places.items() if at == place and other.value not in wishes]:
                del places[other]
            places[role], confidence[role] = place, SURE
    return ColumnMap(tuple(headings), places, confidence)


def missing(mapping: ColumnMap, findings: Findings) -> None:
    """Faults for what an invoice cannot do without."""
    places = mapping.places
    if not ({Role.DEBTOR_CODE, Role.DEBTOR_NAME, Role.SIREN, Role.EMAIL} & places.keys()):
        findings.add("mapping.no_debtor")
    if Role.NUMBER not in places:
        findings.add("mapping.no_number")
    if Role.ISSUED_ON not in places:
        findings.add("mapping.no_issued_on")
    if not ({Role.TOTAL, Role.OPEN} & places.keys()):
        findings.add("mapping.no_amount")


def signature(headings: Sequence[str]) -> str:
    """Names a table's shape: files with the same headings, whatever their case and punctuation, share a mapping."""
    return hashlib.sha256("\x1f".join(heading(name) for name in headings).encode()).hexdigest()
