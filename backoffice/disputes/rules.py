"""Saved replies: their placeholders, and those every company begins with. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PLACEHOLDERS = ("debtor", "reference", "invoices", "amount", "deadline", "company", "me")
"""What may stand between double braces in a reply: {{debtor}}."""
LONGEST_REPLY = 4_000

_PLACE = re.compile(r"\{\{\s*([\w.-]*)\s*\}\}")


def unknown_places(text: str) -> list[str]:
    """The placeholders of a text that nobody would fill in, in their order; odd braces as they stand."""
    found = [name for name in _PLACE.findall(text) if name not in PLACEHOLDERS]
    rest = _PLACE.sub("", text)
    return found + [brace for brace in ("{{", "}}") if brace in rest]


def fill(text: str, values: Mapping[str, str]) -> str:
    """A reply with its placeholders filled in; what was filled in is never read again."""
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def needs_second_person(total_minor: int, *, limit_minor: int) -> bool:
    """Whether a credit needs somebody else's word: the rule and the limit that refunds follow."""
    return total_minor > limit_minor


@dataclass(frozen=True, slots=True)
class ReplyDefault:
    """A reply that every company starts with."""

    code: str
    title_fr: str
    title_en: str
    text_fr: str
    text_en: str
    asks: bool = False

    def title(self, language: str) -> str:
        """What colleagues call it, in the language of the one who asks."""
        return self.title_fr if language == "fr" else self.title_en


DEFAULT_REPLIES: tuple[ReplyDefault, ...] = (
    ReplyDefault(
        "received",
        "Bien reçu, nous examinons",
        "Received, we look into it",
        "Bonjour,\n\nNous avons bien reçu votre contestation {{reference}} ({{invoices}}) et l’examinons. "
        "Vous aurez notre réponse au plus tard le {{deadline}}. D’ici là, le montant contesté ne vous est pas réclamé."
        "\n\n{{me}}\n{{company}}",
        "Hello,\n\nWe have your dispute {{reference}} ({{invoices}}) and are looking into it. You will have our answer by "
        "{{deadline}}. Until then the contested amount is not asked for.\n\n{{me}}\n{{company}}",
    ),
    ReplyDefault(
        "delivery_note",
        "Demander le bon de livraison",
        "Ask for the delivery note",
        "Bonjour,\n\nPour avancer sur {{invoices}}, pourriez-vous nous envoyer une photo ou une copie du bon de "
        "livraison, ainsi que la date de réception ?\n\n{{me}}\n{{company}}",
        "Hello,\n\nTo move on with {{invoices}}, could you send us a photo or a copy of the delivery note, and the day on "
        "which you received it?\n\n{{me}}\n{{company}}",
        asks=True,
    ),
    ReplyDefault(
        "proof_of_payment",
        "Demander la preuve de paiement",
        "Ask for the proof of payment",
        "Bonjour,\n\nNous ne retrouvons pas le paiement de {{invoices}}. Pourriez-vous nous envoyer l’avis de virement, ou "
        "nous indiquer sa date, son montant et son libellé ?\n\n{{me}}\n{{company}}",
        "Hello,\n\nWe cannot find the payment of {{invoices}}. Could you send us the transfer advice, or tell us its day, "
        "amount and reference?\n\n{{me}}\n{{company}}",
        asks=True,
    ),
    ReplyDefault(
        "order_number",
        "Demander le numéro de commande",
        "Ask for the order number",
        "Bonjour,\n\nPourriez-vous nous indiquer le numéro de commande à faire figurer sur {{invoices}} ? Nous vous "
        "enverrons alors le document corrigé.\n\n{{me}}\n{{company}}",
        "Hello,\n\nCould you tell us the order number that {{invoices}} should bear? We will then send you the corrected "
        "document.\n\n{{me}}\n{{company}}",
        asks=True,
    ),
    ReplyDefault(
        "with_the_carrier",
        "Transporteur interrogé",
        "We asked the carrier",
        "Bonjour,\n\nNous avons interrogé le transporteur au sujet de {{invoices}} et revenons vers vous dès sa réponse."
        "\n\n{{me}}\n{{company}}",
        "Hello,\n\nWe have asked the carrier about {{invoices}} and come back to you as soon as we have an answer."
        "\n\n{{me}}\n{{company}}",
    ),
)
"""In the order in which they are shown."""
