"""`python -m payments.twins`: the twins as a process of their own."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from payments.twins.server import serve


def _moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m payments.twins",
        description="Local twins of Stripe and GoCardless.",
        fromfile_prefix_chars="@",  # secrets come in a file, not on the command line
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--smtp-port", type=int, default=8025)
    parser.add_argument("--state-dir", type=Path, default=Path("var/twins"))
    parser.add_argument("--app-url", default="", help="where Guichet lives; webhooks go to its /webhooks/…")
    parser.add_argument("--public-url", default="", help="where the twins are reached (default: host and port)")
    parser.add_argument("--stripe-webhook-url")
    parser.add_argument("--stripe-webhook-secret", default="whsec_of_the_twin_of_stripe")
    parser.add_argument("--gocardless-webhook-url")
    parser.add_argument("--gocardless-webhook-secret", default="secret_of_the_twin_of_gocardless")
    parser.add_argument("--stripe-api-key", default="sk_test_twin")
    parser.add_argument("--gocardless-access-token", default="sandbox_twin")
    parser.add_argument("--creditor-name", default="Guichet Démonstration SAS", help="whom the hosted pages name")
    parser.add_argument("--creditor-ics", default="FR37ZZZ123456", help="its SEPA creditor identifier")
    parser.add_argument("--begin-at", type=_moment, help="virtual time of a new state, such as 2026-03-10T09:00:00Z")
    given = vars(parser.parse_args())
    serve(given.pop("host"), given.pop("port"), given.pop("smtp_port"), **given)


if __name__ == "__main__":
    main()
