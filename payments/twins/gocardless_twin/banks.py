"""The debtors' banks: what becomes of a debit, decided by the IBAN.

A French account number may hold letters, so the fate stands in it for everybody to read; any IBAN whose account number ends
with the mark behaves so. Every other valid IBAN pays.

| account number | name | what happens |
| --- | --- | --- |
| `…`(anything else) | `success` | paid |
| `0000000AM04` | `insufficient_funds` | fails on the day after the charge date (AM04), again at each retry |
| `000000AM04R` | `insufficient_once` | fails once (AM04); the first retry is paid |
| `0000000AC04` | `account_closed` | fails (AC04); the mandate is cancelled by the bank |
| `0000000AC01` | `invalid_details` | fails (AC01); the mandate fails |
| `0000000MD01` | `no_mandate` | fails (MD01): the payer revoked the mandate at the bank, which cancels it |
| `0000000MS03` | `refer_to_payer` | fails (MS03), no reason given |
| `0000000AC06` | `account_blocked` | fails (AC06) |
| `0000000AG01` | `no_debits` | fails (AG01): this account takes no direct debits |
| `0000000MS02` | `refused_by_payer` | fails (MS02): the payer stopped this debit |
| `0000000SL01` | `block_list` | fails (SL01): the payer's bank lets our debits not through |
| `0000000MD07` | `deceased` | fails (MD07): the account holder has died; the mandate is cancelled by the bank |
| `0000000AM05` | `debited_twice` | fails (AM05): the bank takes it for a duplicate |
| `0000000FF01` | `bad_format` | fails (FF01), as AG02, BE05, RR01 to RR04 would: something technical |
| `0000000MD06` | `refunded_by_bank` | paid out, then charged back within the eight weeks (MD06) |
| `000000MD01L` | `unauthorised` | paid out, then charged back as unauthorised (MD01); the mandate is cancelled |
| `000000LATE1` | `late_failure` | confirmed, then fails *before* the payout (AM04) |
| `000000LATE2` | `late_failure_after_payout` | paid out, then fails (AM04); the next payout is lower |
| `0000MNDFAIL` | `mandate_fails` | the mandate itself fails when it is submitted |
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException


@dataclass(frozen=True)
class Fate:
    """What a bank does with debits from one account.

    `when`: `never` (paid), `charge` (instead of confirming), `confirmed` (after confirming, before the payout), `paid_out`
    (after the payout), `mandate` (when the mandate is submitted).
    """

    name: str
    mark: str
    when: str = "never"
    action: str = "failed"
    cause: str = ""
    reason_code: str = ""
    once: bool = False
    mandate: str = ""
    """What the bank does to the mandate at the same time: `cancelled`, `failed` or nothing."""

    @property
    def iban(self) -> str:
        """A valid French IBAN with this fate (La Banque Postale)."""
        return _french_iban(self.mark.rjust(11, "0"))


FATES = (
    Fate("success", "0500013M026"),
    Fate("insufficient_funds", "AM04", "charge", cause="insufficient_funds", reason_code="AM04"),
    Fate("insufficient_once", "AM04R", "charge", cause="insufficient_funds", reason_code="AM04", once=True),
    Fate("account_closed", "AC04", "charge", cause="bank_account_closed", reason_code="AC04", mandate="cancelled"),
    Fate("invalid_details", "AC01", "charge", cause="invalid_bank_details", reason_code="AC01", mandate="failed"),
    Fate("no_mandate", "MD01", "charge", cause="mandate_cancelled", reason_code="MD01", mandate="cancelled"),
    Fate("refer_to_payer", "MS03", "charge", cause="refer_to_payer", reason_code="MS03"),
    Fate("account_blocked", "AC06", "charge", cause="bank_account_closed", reason_code="AC06"),
    Fate("no_debits", "AG01", "charge", cause="direct_debit_not_enabled", reason_code="AG01"),
    Fate("refused_by_payer", "MS02", "charge", cause="payment_stopped", reason_code="MS02"),
    Fate("block_list", "SL01", "charge", cause="payment_stopped", reason_code="SL01"),
    Fate("deceased", "MD07", "charge", cause="bank_account_closed", reason_code="MD07", mandate="cancelled"),
    Fate("debited_twice", "AM05", "charge", cause="other", reason_code="AM05"),
    Fate("bad_format", "FF01", "charge", cause="other", reason_code="FF01"),
    Fate("refunded_by_bank", "MD06", "paid_out", "charged_back", cause="refund_requested", reason_code="MD06"),
    Fate(
        "unauthorised",
        "MD01L",
        "paid_out",
        "charged_back",
        cause="authorisation_disputed",
        reason_code="MD01",
        mandate="cancelled",
    ),
    Fate("late_failure", "LATE1", "confirmed", cause="insufficient_funds", reason_code="AM04"),
    Fate("late_failure_after_payout", "LATE2", "paid_out", cause="insufficient_funds", reason_code="AM04"),
    Fate("mandate_fails", "MNDFAIL", "mandate", cause="invalid_bank_details", reason_code="AC01", mandate="failed"),
)
SUCCESS = FATES[0]
BY_NAME = {fate.name: fate for fate in FATES}


@cache
def _french_iban(account: str) -> str:
    return str(IBAN.generate("FR", bank_code="20041", branch_code="01005", account_code=account))


def read_iban(text: str) -> IBAN | None:
    """A valid IBAN (national check digits included), or None."""
    try:
        return IBAN(text, validate_bban=True)
    except SchwiftyException:
        return None


def fate_of(iban: str) -> Fate:
    """What becomes of debits from this account."""
    account = IBAN(iban, allow_invalid=True).account_code or ""
    marked = [fate for fate in FATES[1:] if account.endswith(fate.mark)]
    return max(marked, key=lambda fate: len(fate.mark), default=SUCCESS)


def by_name_or_iban(text: str) -> str:
    """An IBAN from an IBAN or from the name of a fate (`insufficient_funds`)."""
    return BY_NAME[text].iban if text in BY_NAME else text


CAUSES = {fate.reason_code: fate.cause for fate in FATES if fate.reason_code} | {"MD01": "mandate_cancelled"}
"""A bank's code → what GoCardless says of it; any other code is `other`."""

DESCRIPTIONS = {
    "direct_debit_not_enabled": "The customer's bank account does not support direct debits.",
    "payment_stopped": "The customer or their bank stopped this payment.",
    "insufficient_funds": "The customer's account had insufficient funds to make this payment.",
    "bank_account_closed": "The customer's bank account has been closed.",
    "invalid_bank_details": "The specified bank account does not exist or was closed.",
    "mandate_cancelled": "The mandate was cancelled at the customer's bank.",
    "refer_to_payer": "The customer's bank refused the debit without giving a reason.",
    "refund_requested": "The customer asked their bank for a refund within eight weeks.",
    "authorisation_disputed": "The customer told their bank that they had not authorised the debit.",
}
