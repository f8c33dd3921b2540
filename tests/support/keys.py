"""The keys of an installation that could speak to providers; in these tests nobody does."""

from __future__ import annotations

from pydantic import SecretStr

PROVIDER_KEYS = {
    "stripe_api_key": SecretStr("sk_test_x"),
    "stripe_webhook_secret": SecretStr("whsec_x"),
    "stripe_api_base": "http://127.0.0.1:9",
    "gocardless_access_token": SecretStr("sandbox_x"),
    "gocardless_webhook_secret": SecretStr("secret"),
    "gocardless_base_url": "http://127.0.0.1:9",
}
