"""What test cards and test IBANs do, in words for people."""

from __future__ import annotations

from payments.twins.words import gettext as _


def card_words() -> dict[str, str]:
    """What each test card does, for people."""
    return {
        "success": _("Pays"),
        "success_fr": _("Pays (French card)"),
        "mastercard": _("Pays (Mastercard)"),
        "declined": _("Card declined"),
        "insufficient": _("Declined: insufficient funds"),
        "lost": _("Declined: lost card"),
        "expired": _("Declined: expired card"),
        "wrong_cvc": _("Declined: wrong security code"),
        "processing_error": _("Declined: processing error"),
        "challenge": _("The bank asks for 3-D Secure, then pays"),
        "challenge_declined": _("The bank asks for 3-D Secure, then declines"),
        "chargeback": _("Pays; charged back the next day"),
        "inquiry": _("Pays; the bank asks questions the next day"),
        "refund_later": _("Pays; a refund succeeds only the next day"),
        "refund_fails": _("Pays; a refund fails the next day"),
    }


def bank_words() -> dict[str, str]:
    """What each test IBAN does, for people."""
    return {
        "success": _("Pays"),
        "insufficient_funds": _("Fails: insufficient funds (AM04), at each retry"),
        "insufficient_once": _("Fails once (AM04), the retry pays"),
        "account_closed": _("Fails: account closed (AC04), mandate cancelled"),
        "invalid_details": _("Fails: wrong account (AC01), mandate failed"),
        "no_mandate": _("Fails: mandate revoked at the bank (MD01)"),
        "refer_to_payer": _("Fails: no reason given (MS03)"),
        "refunded_by_bank": _("Paid out, then charged back within eight weeks (MD06)"),
        "unauthorised": _("Paid out, then charged back as unauthorised (MD01)"),
        "late_failure": _("Confirmed, then fails before the payout"),
        "late_failure_after_payout": _("Paid out, then fails; the next payout is lower"),
        "mandate_fails": _("The mandate is refused when submitted"),
    }
