"""Duties of the clock in staff words."""

from __future__ import annotations

from typing import Any

from shared.kit.words import lazy_gettext as _l

DUTIES: dict[str, Any] = {
    "payments.collections.run": _l("Announces and collects what is due in every company."),
    "payments.reconcile.sweep": _l("Asks the providers about what has been without news for too long."),
    "payments.reconcile.catch_up": _l("Takes in the providers' events that no webhook brought."),
    "payments.reconcile.parity": _l("Compares everything with the providers and mends what can be mended."),
    "payments.payouts.take": _l("Books payouts and fees."),
    "limits.ripen": _l("Puts higher limits into force once their waiting time is over."),
    "payments.plans.follow": _l("Looks at every payment plan, once a day: what comes, what is late, what has ended."),
    "promises.look": _l("Looks at the ledger for every live promise, once a day."),
    "chargebacks.watch": _l("Closes contested payments that were settled otherwise, warns of their deadlines."),
    "declarations.expire": _l("Ends the search for declared transfers whose time is over."),
    "payments.collections.watch_frozen": _l("Looks again at debits over contested money, in case a message was lost."),
    "payments.collections.reconsider_all": _l("Looks again at every debit that may no longer hold."),
    "disputes.watch": _l("Escalates overdue disputes, ends respites, closes disputes that were paid."),
    "attachments.ask_again": _l("Asks the virus scanner again for files that it has not answered for."),
    "attachments.sweep": _l("Deletes the files of forms that were never sent."),
    "messages.knock": _l("Looks for messages that still wait."),
    "handover.release": _l("Makes nobody's what belongs to colleagues who have left."),
    "messages.digests": _l("Writes the weekly digests of debtors' contacts."),
    "notices.digests": _l("Writes the daily digests of colleagues."),
    "reminders.knock": _l("Asks for today's reminder run of each company whose sending hours have begun."),
    "choices.sweep": _l("Forgets choices of invoices that are too old to be used."),
    "personal.sweep": _l("Removes personal data whose time is over."),
    "imports.stale": _l(
        "Ends the readings of accounting files that never came to an end, and gives back imports whose work is dead."
    ),
}


def duty_words(name: str) -> str:
    """What a duty does; nothing for one that nobody has put in words."""
    return str(DUTIES.get(name, ""))
