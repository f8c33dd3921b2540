"""Which column of a table is what: recognised by its heading in French or English, or mapped by hand.

Headings are compared without case, accents, punctuation and small words, so that "N° de facture", "Numéro facture",
"Invoice no." and "InvoiceNumber" are one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backoffice.imports.faults import Findings
from backoffice.imports.presets import Preset, bare, preset_of
from backoffice.imports.roles import Role
from backoffice.imports.values import folded

AMOUNTS = (Role.TOTAL, Role.OPEN, Role.PAID, Role.NET, Role.VAT)
DAYS = (Role.ISSUED_ON, Role.DUE_ON, Role.SETTLED_ON)

SURE = 100
LIKELY = 80

# The first heading of a role is its best: where two columns claim one role, the one named earlier wins.
_HEADINGS: dict[Role, str] = {
    Role.DEBTOR_CODE: "code client|client code|customer code|customer id|customer number|customer no|customer account|"
    "numero client|no client|n client|num client|id client|ref client|reference client|compte client|compte auxiliaire|"
    "compte tiers|code tiers|tiers|debtor code|debtor id|debtor|code debiteur|"
    "client id|cust id|cust number|cust no|compaux num|comp aux num|debtor number|identifiant client|"
    "kundennummer|kunden nr|kundennr|kd nr|debitor|debitorennummer|debitorenkonto|codigo cliente|cod cliente|num cliente|numero cliente|codice cliente|cod cli|client_id|customer_id|partner code|code partenaire|account no|cust code",
    Role.DEBTOR_NAME: "nom client|client name|customer name|raison sociale|nom du client|client|customer|company|"
    "company name|societe|nom|name|name customer|debtor name|intitule|intitule client|intitule tiers|libelle tiers|"
    "nom tiers|account name|bill to|billed to|facture a|denomination|debiteur|nom debiteur|entreprise|"
    "business name|customer company|comp aux lib|"
    "kunde|kundenname|debitorname|firma|nombre cliente|cliente|razon social|ragione sociale|nome cliente|denominazione|denominazione cliente|tiers nom|partner|partenaire|nom du tiers|client nom|client facture",
    Role.SIREN: "siren|numero siren|siret|numero siret|siren siret|company registration|registration number|"
    "siren client|siret client|"
    "n siren|no siren|siren du client|company number",
    Role.VAT_NUMBER: "tva intracommunautaire|numero tva|vat number|vat no|vat id|vat registration|tva intra|no tva|"
    "n tva|n tva intracommunautaire|tva intracom|numero tva intracommunautaire|tax id|vat reg no|id tva|"
    "ust id|ustid|ust idnr|umsatzsteuer id|nif|cif|nif cliente|partita iva|p iva|piva|numero tva client",
    Role.CONTACT_NAME: "contact|nom contact|contact name|interlocuteur|attention|attn|a attention|billing contact|"
    "contact facturation|contact comptable",
    Role.EMAIL: "email|e mail|mail|courriel|adresse email|adresse e mail|adresse mail|adresse electronique|"
    "email address|e mail address|contact email|email contact|mail contact|email client|customer email|billing email|"
    "email facturation|mail client|e mail client|e mail facturation|courriel client|"
    "client_email|e mail adresse|correo|correo electronico|email cliente|posta elettronica|indirizzo email|mail facturation|email comptabilite|email contact facturation",
    Role.PHONE: "telephone|tel|phone|phone number|telephone number|mobile|portable|numero telephone|contact phone|"
    "telephone client|"
    "telefon|telefono|telefonnummer",
    Role.LANGUAGE: "langue|language|lang|locale|langue client|customer language|code langue",
    Role.STREET: "adresse|address|rue|street|adresse 1|address 1|address line 1|adresse facturation|billing address|"
    "street address|adresse ligne 1|voie|"
    "strasse|direccion|indirizzo|adresse client|rue client",
    Role.POSTCODE: "code postal|postcode|post code|postal code|zip|zip code|cp|plz|postleitzahl|codigo postal|cap",
    Role.CITY: "ville|city|town|commune|localite|ort|stadt|ciudad|poblacion|citta|comune|ville client",
    Role.COUNTRY: "pays|country|country code|code pays|countrycode|land|paese|nazione|pays client",
    Role.CUSTOMER_KIND: "type client|client type|customer type|nature client|categorie client|customer category|customer kind|"
    "type tiers|type du tiers|type de tiers|qualite client|profil client|b2b b2c|b2c b2b|btob btoc|particulier professionnel|"
    "professionnel particulier|pro particulier|particulier pro|business consumer|consumer business|particulier|est particulier|professionnel|b2c|b2b|consumer|"
    "is consumer|is company|is individual|company type|est societe|est entreprise|kundentyp|kundenart|privatkunde|tipo cliente|"
    "tipologia cliente|personne physique|personne morale",
    Role.IBAN: "iban|iban client|customer iban|compte bancaire|bank account|numero iban|rib",
    Role.NUMBER: "numero facture|no facture|n facture|num facture|facture no|facture numero|facture n|facture num|"
    "invoice number|invoice no|invoice num|invoice id|invoice nr|invoice ref|invoice reference|invoice|facture|"
    "reference facture|ref facture|numero piece|no piece|n piece|num piece|piece ref|piece|document number|"
    "document no|document|doc no|doc number|bill number|bill no|numero document|no document|numero|number|reference|"
    "ref|no|id facture|facture reference|facture ref|reference piece|ref piece|invoice code|"
    "num|doc id|invoice_id|rechnungsnummer|rechnungs nr|rechnungsnr|rechnung nr|rechnung|belegnummer|belegnr|beleg nr|numero factura|n factura|num factura|no factura|factura|numero fattura|n fattura|num fattura|nr fattura|fattura|numero documento|n documento|no documento|num document|n document|n doc|num doc|numero doc|code facture|facture numero|facture n|reference document|id document",
    Role.KIND: "type|type document|document type|type piece|nature|nature piece|invoice type|type facture|kind|"
    "doc type|sens|"
    "belegart|rechnungsart|tipo|tipo documento|tipo factura|tipo fattura|tipo doc|categorie document|move type",
    Role.ISSUED_ON: "date facture|date facturation|date emission|date emission facture|invoice date|date invoice|"
    "issue date|issued on|issued|date issued|date piece|piece date|document date|date document|bill date|billing date|"
    "date comptable|posting date|emise|emise le|emis le|date|invoiced on|facturee le|facture le|invoice issue date|"
    "date ecriture|ecriture date|"
    "rechnungsdatum|rg datum|belegdatum|datum|fecha factura|fecha|fecha emision|data fattura|data documento|data emissione|data|date de la facture|date creation|invoice_date|created|date doc|date vente",
    Role.DUE_ON: "date echeance|echeance|due date|due on|due|date due|date exigibilite|payment due|payment due date|"
    "date limite paiement|date limite reglement|echeance facture|a payer avant|pay by|invoice due date|maturity|"
    "maturity date|echeance le|date echeance facture|a echeance|date reglement prevue|date paiement prevue|"
    "due in date|due_in_date|faellig am|fallig am|falligkeit|falligkeitsdatum|faelligkeitsdatum|zahlbar bis|fecha vencimiento|vencimiento|data scadenza|scadenza|date limit reglmt|date limite reglmt|date limite|a payer le|a regler le|date prevue reglement|net due date|date echeance reglement|echeance reglement|deadline",
    Role.TERMS: "conditions paiement|conditions reglement|payment terms|terms|delai paiement|delai reglement|"
    "mode echeance|credit terms|condition reglement|"
    "zahlungsbedingungen|zahlungsziel|condiciones pago|condizioni pagamento",
    Role.TOTAL: "montant ttc|total ttc|ttc|montant total ttc|montant facture ttc|invoice amount|amount incl vat|"
    "total incl vat|gross amount|gross total|amount gross|total amount|invoice total|total|montant total|"
    "montant facture|montant|amount|gross|total facture|amount including vat|total including vat|amount incl tax|"
    "total incl tax|montant toutes taxes comprises|original amount|montant initial|montant origine|valeur|"
    "facture ttc|debit|solde initial|"
    "bruttobetrag|brutto|rechnungsbetrag|betrag|gesamtbetrag|gesamt|betrag brutto|importe|importe total|total factura|importe bruto|importo|importo totale|totale|totale fattura|totale documento|montant du document|total due ttc|total a payer",
    Role.NET: "montant ht|total ht|ht|net amount|amount excl vat|total excl vat|montant hors taxe|montant hors taxes|"
    "net|subtotal|sous total|amount excluding vat|net total|amount excl tax|"
    "nettobetrag|netto|betrag netto|base imponible|importe neto|imponibile|importo netto",
    Role.VAT: "montant tva|tva|total tva|vat amount|vat|tax amount|tax|total vat|total tax|sales tax|"
    "mwst|ust|mwst betrag|steuerbetrag|umsatzsteuer|iva|importe iva|importo iva|cuota iva",
    Role.OPEN: "reste du|reste a payer|restant du|solde du|montant restant du|solde restant|reste a regler|"
    "montant restant|open amount|amount open|outstanding amount|amount outstanding|outstanding|balance due|amount due|"
    "balance|solde|remaining|remaining amount|amount remaining|remaining balance|unpaid amount|amount unpaid|unpaid|"
    "montant du|montant ouvert|impaye|montant impaye|open balance|open|encours|solde ttc|net a payer|solde facture|"
    "solde a payer|"
    "invoice amount due|offen|offener betrag|offener saldo|restbetrag|saldo|saldo pendiente|pendiente|importe pendiente|residuo|importo residuo|da pagare|reste a percevoir|reste a encaisser|reste a recouvrer|rest|a percevoir|a encaisser|restant a payer|restant a regler|reste|amount left|left to pay|montant non regle|montant non paye|non regle|solde restant du|solde client",
    Role.PAID: "montant paye|montant regle|paid amount|amount paid|paid|paye|regle|deja regle|deja paye|encaisse|"
    "montant encaisse|total paye|total paid|acompte|reglements|payments|payment amount|amount received|credit|"
    "invoice amount paid|bezahlt|bezahlter betrag|gezahlt|pagado|cobrado|importe pagado|pagato|importo pagato|incassato",
    Role.CURRENCY: "devise|currency|currency code|monnaie|code devise|cur|ccy|devise facture|invoice currency|"
    "wahrung|waehrung|moneda|divisa|valuta",
    Role.SETTLED_ON: "regle le|date reglement|date paiement|settled date|date settled|settled on|settlement date|"
    "paid on|payment date|date paid|paid date|payee le|paye le|reglee le|soldee le|solde le|date encaissement|"
    "encaisse le|clear date|cleared on|clearing date|date solde|date lettrage|date let|clearing|closed on|"
    "date reglement effectif|date reglee|date payment|"
    "bezahlt am|zahlungsdatum|fecha pago|fecha cobro|data pagamento|pagato il",
    Role.PO_NUMBER: "numero commande|bon commande|no commande|n commande|po number|po no|po|purchase order|"
    "purchase order number|order number|commande|reference commande|ref commande|votre reference|your reference|"
    "customer reference|bon de commande|numero bon commande|order no|order ref|customer po|num commande|"
    "reference client commande|n bc|numero bc|"
    "bestellnummer|bestell nr|numero pedido|pedido|numero ordine|ordine",
    Role.LABEL: "libelle|description|objet|designation|label|subject|libelle facture|memo|details|intitule facture|"
    "invoice description|ecriture lib|libelle ecriture|commentaire|comment|note|notes|"
    "beschreibung|betreff|descripcion|concepto|descrizione|oggetto|causale",
    Role.DISPUTED: "litige|en litige|disputed|dispute|in dispute|contestee|conteste|is disputed|litigieux",
    Role.STATUS: "statut|status|etat|statut facture|etat facture|invoice status|status facture|document status|statut document|"
    "state|situation|zustand|rechnungsstatus|estado|estado factura|stato|stato fattura|statut de la facture|invoice state",
    Role.PAYMENT_STATUS: "statut paiement|etat paiement|statut reglement|etat reglement|payment status|payment state|paid status|"
    "zahlungsstatus|estado pago|stato pagamento|facture payee|facture reglee|facture soldee|is paid|soldee",
}
WEAK_CODES = frozenset(
    [
        "account number",
        "account code",
        "account",
        "code compte",
        "compte",
        "numero compte",
        "no compte",
        "n compte",
        "konto",
        "cuenta",
        "conto",
    ]
)
"""Headings that name a customer's account in one program and an account of the ledger in the next: the rows decide."""
REMAINS = re.compile(
    r"\b(reste|restant|solde|du(?! [a-z])|due|open|outstanding|balance|remaining|remains|unpaid|impayee?s?|offen|saldo|pendiente|residuo|percevoir|"
    r"encaisser|recouvrer|owed|owing|payer|regler|creances?|to pay|to be paid|arrears|offene[mnrs]?|ausstehend\w*|restlich\w*|zu zahlen|"
    r"abierto|cobrar|pagar|deuda|debido|aperto|scoperto|insoluto|incassare|saldare|pagare|dovuto)\b"
)
"""Words of a heading that may stand over what remains to be paid."""
PAYS = re.compile(
    r"\b(pay(?:e|ee|es|ees|ed|ment|ments)?|paid|paie?ments?|regle\w*|encaiss(?:e|ee|es|ees|ement|ements)|acomptes?|verse(?:e|es|ees|ment|ments)?|"
    r"recue?s?|received|receipts?|settled|settlements?|acquitte\w*|virements?|bezahlt\w*|zahlung\w*|gezahlt\w*|eingegangen\w*|anzahlung\w*|"
    r"pagad[oa]s?|pagos?|cobrad[oa]s?|cobros?|anticipos?|pagat[oa]|pagament[oi]|incass(?:o|i|ato|ati)|acconti?)\b"
)
"""Words of a heading that may stand over what was paid, the day on which it was, or whether it was."""
UNSPECIFIC = frozenset(
    ["montant", "total", "amount", "total amount", "montant facture", "total facture", "invoice amount", "montant total", "valeur", "betrag",
     "rechnungsbetrag", "gesamtbetrag", "gesamt", "importe", "importe total", "total factura", "importo", "importo totale", "totale"]
)  # fmt: skip
"""Headings of a total that do not say whether VAT is in it."""

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
        "di",
        "del",
        "della",
        "dell",
        "el",
        "il",
        "der",
        "die",
        "das",
        "von",
        "eur",
        "euro",
        "euros",
        "usd",
        "gbp",
        "chf",
    ]
)
_WEAK = 999
EITHER = frozenset(["client", "customer", "kunde", "cliente", "debiteur"])
NAMES = frozenset(
    [
        "nom",
        "name",
        "raison sociale",
        "nom client",
        "client name",
        "intitule",
        "denomination",
        "nombre",
        "nome",
        "societe",
    ]
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_APART = re.compile(r"[^a-z0-9]+")


def heading(text: str) -> str:
    """A heading's essence: "N° de facture" and "n_facture" are both "n facture"; "dû", which ends a heading, is no article."""
    spaced = _CAMEL.sub(" ", text.replace("№", "n ").replace("n°", "n ").replace("N°", "N ").replace("#", " no "))
    words = _APART.sub(" ", folded(spaced)).split()
    kept = [word for at, word in enumerate(words) if word not in _SMALL or (word == "du" and at == len(words) - 1 > 0)]
    return " ".join(kept or words)


def _known() -> dict[str, list[tuple[Role, int]]]:
    names: dict[str, list[tuple[Role, int]]] = {}
    for role, text in _HEADINGS.items():
        for rank, name in enumerate(text.split("|")):
            names.setdefault(heading(name), []).append((role, rank))
    for name in WEAK_CODES:
        names.setdefault(name, []).append((Role.DEBTOR_CODE, _WEAK))
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
    preset: Preset | None = None
    """The program whose export it is, where that is known."""

    @property
    def has_weak_code(self) -> bool:
        """True when the customer's code stands under a heading that may mean an account of the ledger."""
        name = self.name_of(Role.DEBTOR_CODE)
        return name is not None and self.confidence.get(Role.DEBTOR_CODE, SURE) < SURE and heading(name) in WEAK_CODES

    def without(self, role: Role) -> ColumnMap:
        """The same without one role."""
        places = {each: place for each, place in self.places.items() if each is not role}
        return replace(self, places=places)

    def having(self, role: Role, place: int) -> ColumnMap:
        """The same with one role more."""
        return replace(self, places=self.places | {role: place}, confidence=self.confidence | {role: SURE})

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
    """Find the roles of a table's columns by their headings; each column gets one role and each role one column.

    The export of a known program is read as that program means it; what it does not say is found as in any table.
    """
    preset = preset_of(headings)
    places: dict[Role, int] = {}
    confidence: dict[Role, int] = {}
    taken: set[int] = set()
    if preset:
        names = [bare(name) for name in headings]
        for name, role in preset.roles.items():
            if name in names and role not in places:
                places[role], confidence[role] = names.index(name), SURE
        unused = {bare(name) for name in preset.unused}
        taken = set(places.values()) | {place for place, name in enumerate(names) if name in unused}
    claims: list[tuple[int, int, int, Role]] = []
    for place, name in enumerate(headings):
        claims.extend((-sure, rank, place, role) for role, rank, sure in _claims(name))
    for minus_sure, _, place, role in sorted(claims, key=lambda claim: claim[:3]):
        if role not in places and place not in taken:
            places[role], confidence[role] = place, -minus_sure
            taken.add(place)
    return ColumnMap(tuple(headings), places, confidence, preset)


def _claims(name: str) -> list[tuple[Role, int, int]]:
    essence = heading(name)
    if not essence:
        return []
    exact = _KNOWN.get(essence) or _JOINED.get(essence.replace(" ", ""))
    if exact:
        return [(role, rank, SURE if rank < _WEAK else LIKELY) for role, rank in exact]
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
    return ColumnMap(tuple(headings), places, confidence, found.preset)


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
