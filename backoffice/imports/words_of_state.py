"""What a table says of its documents in words: their kind and their state, in the languages of the programs that write them.

A word that is not known is never guessed: it is asked about once, and the answer is remembered for tables of the same shape.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeVar

from backoffice.imports.values import folded


class Sort(StrEnum):
    """What a row of a table is."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    PAYMENT = "payment"
    """Money received: no document that is owed."""
    OTHER = "other"
    """What customers do not owe: quotes, orders, suppliers' bills."""


class State(StrEnum):
    """What has become of a document."""

    OPEN = "open"
    """It counts; how much of it is open, the amounts say."""
    PAID = "paid"
    OUT = "out"
    """It does not count: a draft, or cancelled."""


_SORTS: dict[Sort, str] = {
    Sort.INVOICE: "f|fa|fac|fact|fv|fc|facture|factures|facture client|facture clients|facture vente|facture standard|"
    "facture acompte|facture solde|facture situation|facture finale|facture remplacement|acompte|standard|vente|ventes|"
    "invoice|invoices|sales invoice|customer invoice|tax invoice|standard invoice|deposit invoice|final invoice|inv|si|"
    "accrec|out invoice|rv|dr|rechnung|ausgangsrechnung|factura|factura venta|fattura|fattura vendita|380|384|386|"
    "d|debit|replacement invoice|invoice accrec",
    Sort.CREDIT_NOTE: "a|av|avr|avo|ac|avoir|avoirs|avoir client|avoir clients|facture avoir|factures avoir|avoir vente|"
    "note credit|note avoir|nc|credit|credit note|credit notes|credit memo|credit memos|sales credit note|sales credit memo|"
    "customer credit note|customer credit memo|creditnote|creditmemo|credit invoice|cn|cm|accreccredit|accrec credit|out refund|"
    "refund|c|dg|gutschrift|rechnungskorrektur|stornorechnung|storno|abono|nota credito|nota abono|factura rectificativa|"
    "rectificativa|nota di credito|nota credito vendita|381|389|261|remboursement client|extourne|customer refund",
    Sort.PAYMENT: "paiement|reglement|encaissement|payment|receipt|customer payment|payment received|pmt|pay|dz|reglement client|"
    "virement|cheque|prelevement|versement|zahlung|zahlungseingang|pago|cobro|pagamento|incasso|overpayment|prepayment|"
    "receive overpayment|receive prepayment|unapplied payment",
    Sort.OTHER: "devis|proforma|pro forma|facture proforma|quote|quotation|estimate|angebot|presupuesto|preventivo|"
    "commande|bon commande|order|sales order|bon livraison|delivery note|facture fournisseur|facture achat|achat|achats|"
    "avoir fournisseur|bill|bills|vendor bill|vendor credit|supplier invoice|supplier credit note|purchase invoice|"
    "purchase credit note|purchase|in invoice|in refund|accpay|accpaycredit|eingangsrechnung|factura proveedor|"
    "factura compra|fattura acquisto|fattura fornitore|expense|note frais|note de frais|ff|af",
}
_STATES: dict[State, str] = {
    State.OPEN: "open|ouvert|ouverte|sent|envoyee|envoye|emise|emis|transmise|issued|viewed|vue|unpaid|not paid|notpaid|impayee|"
    "impaye|non payee|non paye|non reglee|non regle|non soldee|non lettree|non acquittee|a payer|a regler|a encaisser|a relancer|"
    "reste a payer|awaiting payment|authorised|authorized|approved|approuvee|validee|valide|validated|posted|comptabilisee|comptabilise|"
    "confirmee|confirmed|overdue|en retard|late|past due|pastdue|echue|non echue|echu|upcoming|due|outstanding|partial|partially paid|"
    "partiallypaid|partlypaid|part paid|partiellement payee|payee partiellement|partiellement reglee|reglee partiellement|"
    "reglement partiel|paiement partiel|partiellement|acompte verse|en attente paiement|attente paiement|en attente reglement|"
    "attente reglement|relancee|relance|en litige|disputed|offen|uberfallig|teilbezahlt|teilweise bezahlt|versendet|"
    "pendiente|vencida|enviada|emitida|parcialmente pagada|aperta|scaduta|inviata|emessa|parzialmente pagata|da pagare|"
    "non saldata|abierta|facturee|invoiced|no|non|n|nein|unpaid invoice",
    State.PAID: "paid|fully paid|paid in full|payee|paye|payees|reglee|regle|soldee|solde|acquittee|encaissee|encaisse|lettree|"
    "lettre|cloturee|cloture|closed|cleared|settled|in payment|en paiement|reversed|contrepassee|extournee|terminee|"
    "totalement payee|entierement payee|totalement reglee|entierement reglee|bezahlt|beglichen|ausgeglichen|pagada|cobrada|liquidada|"
    "pagata|saldata|incassata|yes|oui|ja|si|o|y|applied|remboursee|refunded",
    State.OUT: "draft|brouillon|provisoire|a valider|en cours de saisie|en preparation|saved|proforma|pro forma|devis|quote|"
    "submitted|awaiting approval|to approve|a approuver|pending approval|void|voided|deleted|supprimee|supprime|cancelled|canceled|"
    "cancel|annulee|annule|annulees|abandonnee|abandonne|abandoned|rejected|rejetee|refusee|declined|"
    "entwurf|storniert|geloscht|borrador|anulada|cancelada|bozza|annullata|stornata|draft credit note",
}


_Meaning = TypeVar("_Meaning")


def _table(texts: dict[_Meaning, str]) -> dict[str, _Meaning]:
    return {essence(word): meaning for meaning, text in texts.items() for word in text.split("|")}


def essence(text: str) -> str:
    """A word without case, accents, punctuation and articles: "Facture d'avoir" and "facture_avoir" are one."""
    words = re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.strip())).split()
    kept = [word for word in (folded(word) for word in words) if word not in _SMALL]
    return " ".join(kept)


_SMALL = frozenset(["de", "du", "des", "d", "la", "le", "les", "l", "sur", "the", "of", "a", "an"])
_SORT_OF = _table(_SORTS) | {"a": Sort.CREDIT_NOTE, "d": Sort.INVOICE}
_STATE_OF = _table(_STATES)


def sort_of(text: str) -> Sort | None:
    """The kind of a document by a word such as "Sales credit note", or None when the word is not known."""
    return _SORT_OF.get(essence(text) or folded(text.strip()))


def state_of(text: str) -> State | None:
    """The state of a document by a word such as "Brouillon", or None when the word is not known."""
    return _STATE_OF.get(essence(text) or folded(text.strip()))
