"""Settings → gateway: a live address or the twins, the same code speaks to both."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from payments.gateways.base import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, READ_WHILE_SOMEBODY_WAITS_S
from payments.gateways.gocardless_gateway import GoCardlessGateway
from payments.gateways.stripe_gateway import StripeGateway
from payments.models import Provider
from shared.kit import aside
from shared.kit.errors import Unavailable
from shared.kit.settings import Settings, get_settings
from shared.kit.words import gettext as _

_made: dict[tuple[str, int], tuple[Settings, Any]] = {}


def cards() -> StripeGateway:
    """Who takes cards; raises Unavailable when no key is set. One per process: a fork gets its own connections."""
    gateway: StripeGateway = _gateway("cards", _make_stripe)
    return gateway


def debits() -> GoCardlessGateway:
    """Who collects SEPA debits; raises Unavailable when no token is set."""
    gateway: GoCardlessGateway = _gateway("debits", _make_gocardless)
    return gateway


def gateway_of(provider: Provider) -> StripeGateway | GoCardlessGateway:
    """The gateway of a payment's provider; raises LookupError for receipts by hand."""
    if provider is Provider.STRIPE:
        return cards()
    if provider is Provider.GOCARDLESS:
        return debits()
    raise LookupError("a receipt by hand has no provider")


def takes_cards() -> bool:
    """Whether cards can be taken by this installation."""
    return get_settings().stripe_api_key is not None


def takes_debits() -> bool:
    """Whether SEPA debits can be collected by this installation."""
    return get_settings().gocardless_access_token is not None


def providers_in_use() -> list[Provider]:
    """The providers for which keys are set."""
    found = [Provider.STRIPE] if takes_cards() else []
    return [*found, Provider.GOCARDLESS] if takes_debits() else found


def hosted_pages(settings: Settings) -> tuple[str, ...]:
    """The origins on which debtors pay and sign: a form of ours may lead there, and nowhere else.

    They follow from the keys (live or sandbox) and from the addresses of a stand-in; `settings.hosted_pages` adds others,
    such as a domain of one's own at Stripe.
    """
    return tuple(dict.fromkeys((_stripe_page(settings), _gocardless_page(settings), *settings.hosted_pages.split())))


def _stripe_page(settings: Settings) -> str:
    return _stand_in(settings.stripe_api_base, "stripe.com") or "https://checkout.stripe.com"


def _gocardless_page(settings: Settings) -> str:
    if stand_in := _stand_in(settings.gocardless_base_url, "gocardless.com"):
        return stand_in
    host = urlsplit(settings.gocardless_base_url or "").hostname
    is_live = host == "api.gocardless.com" if host else settings.uses_live_debits
    return "https://pay.gocardless.com" if is_live else "https://pay-sandbox.gocardless.com"


def _stand_in(address: str | None, domain: str) -> str | None:
    """The origin of an API that is not the provider's own: it serves its pages itself."""
    parts = urlsplit(address or "")
    if not parts.hostname or parts.hostname == domain or parts.hostname.endswith(f".{domain}"):
        return None
    return f"{parts.scheme}://{parts.netloc}"


def _gateway(name: str, make: Any) -> Any:
    settings = get_settings()
    known = _made.get((name, os.getpid()))
    if known is None or known[0] is not settings:
        known = _made[(name, os.getpid())] = (settings, make(settings))
    return known[1]


def _make_stripe(settings: Settings) -> StripeGateway:
    if settings.stripe_api_key is None or settings.stripe_webhook_secret is None:
        raise Unavailable("cards.off", _("Card payments are not available at the moment."))
    return StripeGateway(
        api_key=settings.stripe_api_key.get_secret_value(),
        webhook_secret=settings.stripe_webhook_secret.get_secret_value(),
        api_base=settings.stripe_api_base,
        is_live=settings.uses_live_keys,
        timeout=_timeout(),
        tries=_tries(),
    )


def _make_gocardless(settings: Settings) -> GoCardlessGateway:
    if settings.gocardless_access_token is None or settings.gocardless_webhook_secret is None:
        raise Unavailable("debits.off", _("Direct debits are not available at the moment."))
    return GoCardlessGateway(
        access_token=settings.gocardless_access_token.get_secret_value(),
        webhook_secret=settings.gocardless_webhook_secret.get_secret_value(),
        base_url=settings.gocardless_base_url,
        is_live=settings.uses_live_keys,
        timeout=_timeout(),
        tries=_tries(),
    )


def _timeout() -> tuple[float, float]:
    return CONNECT_TIMEOUT_S, READ_WHILE_SOMEBODY_WAITS_S if aside.somebody_waits() else READ_TIMEOUT_S


def _tries() -> int:
    return 1 if aside.somebody_waits() else 2
