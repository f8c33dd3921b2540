"""Hands that act in the torture: each with a zygote and a die of its own. Who pays, speaks, meddles; what befalls at the banks."""

from __future__ import annotations

import contextlib
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from shared.kit import clock
from tests.support.twins import TwinsProcess
from tests.torture.stage import Stage

CARDS = ("success", "success", "success", "declined", "challenge", "chargeback", "refund_fails")
FATES = (
    *("success",) * 8,
    "insufficient_funds",
    "insufficient_once",
    "late_failure",
    "late_failure_after_payout",
    "refunded_by_bank",
    "unauthorised",
    "account_closed",
    "no_mandate",
    "refer_to_payer",
    "refused_by_payer",
    "deceased",
)
SPEAK_FIRST = 0.4


@dataclass
class Account:
    """A debtor, and what it still wants to pay."""

    debtor: str
    code: str
    invoices: list[tuple[str, int]]
    autopay: bool = False
    mandate: str | None = None
    fate: str = ""
    """What the bank does with debits under its newest mandate."""
    receipts: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """What happened, shared by all threads."""

    seed: int
    said: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    acts: int = 0
    bugs: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str) -> None:
        with self.lock:
            self.said[name] += 1


class Hand:
    """A thread with a zygote and a die of its own."""

    def __init__(self, stage: Stage, tally: Tally, number: int, *, danger: float = 0.25) -> None:
        self.stage = stage
        self.tally = tally
        self.die = random.Random(tally.seed * 1000 + number)
        self.danger = danger

    def act(self, name: str, *, danger: float | None = None, **given: Any) -> Any:
        """One act, perhaps killed; a bug is kept and ends the torture."""
        risk = self.danger if danger is None else danger
        kill_at = self.die.randint(1, 14) if self.die.random() < risk else None
        try:
            said = self.stage.do(name, kill_at=kill_at, may_fail=True, **given)
        except AssertionError as bug:
            with self.tally.lock:
                self.tally.bugs.append(str(bug))
            return None
        with self.tally.lock:
            self.tally.acts += 1
            self.tally.kills += said.killed
            self.tally.said[f"{name} {'killed' if said.killed else said.error or 'done'}"] += 1
        return said.result

    def ask(self, name: str, **given: Any) -> Any:
        """A question: it changes nothing, and nobody dies of it."""
        return self.stage.do(name, **given).result

    def attempt(self) -> str:
        return str(uuid.UUID(int=self.die.getrandbits(128)))


# People who pay ---------------------------------------------------------------------------------------------------------


def pay_and_speak(hand: Hand, twins: TwinsProcess, account: Account) -> None:
    """People who pay by card, by debit, by cheque, who press twice, give up, come back, get refunds; and who speak first."""
    for invoice, minor in account.invoices:
        if hand.die.random() < SPEAK_FIRST:
            _speak(hand, twins, account, invoice, minor)
        _pay(hand, twins, account, invoice, minor)


def _pay(hand: Hand, twins: TwinsProcess, account: Account, invoice: str, minor: int) -> None:
    attempt, parts = hand.attempt(), [[invoice, minor]]
    way = hand.die.choice(("card", "card", "debit", "debit", "cheque", "wait"))
    if way == "cheque":
        on = clock.today().isoformat()
        made = hand.act("cheque", debtor=account.debtor, parts=parts, minor=minor, attempt=attempt, on=on)
        if made:
            account.receipts.append(made)
    elif way == "debit":
        give_mandate(hand, twins, account)
        for _ in range(hand.die.choice((1, 2))):
            if account.mandate:
                given = {"debtor": account.debtor, "mandate": account.mandate, "parts": parts}
                hand.act("pay_by_debit", **given, attempt=attempt)
    elif way == "card":
        for _ in range(3):
            step = hand.act("pay_by_card", debtor=account.debtor, parts=parts, attempt=attempt)
            if step and step["url"]:
                _on_the_page(hand, twins, account, step, minor)
                return


def give_mandate(hand: Hand, twins: TwinsProcess, account: Account, *, again: bool = False) -> None:
    """A mandate on the provider's page, unless there is one (`again`: a second one)."""
    if account.mandate and not again:
        return
    step = hand.act("ask_mandate", debtor=account.debtor, attempt=hand.attempt())
    if step and step["url"]:
        account.fate = hand.die.choice(FATES)
        with contextlib.suppress(AssertionError):
            twins.authorise(step["url"], account.fate, email="torture@client.example")
        hand.act("return_from_mandate", mandate=step["mandate"], debtor=account.debtor)
        account.mandate = step["mandate"]


def _on_the_page(hand: Hand, twins: TwinsProcess, account: Account, step: dict[str, Any], minor: int) -> None:
    chance = hand.die.random()
    if chance < 0.15:
        hand.act("abandon", payment=step["payment"], debtor=account.debtor)
        return
    with contextlib.suppress(AssertionError):
        twins.pay(step["url"], hand.die.choice(CARDS))
    if chance < 0.6:
        hand.act("return_from_page", payment=step["payment"], debtor=account.debtor)
    if chance < 0.3:
        refund = hand.act("ask_refund", payment=step["payment"], minor=max(1, minor // 3))
        if refund:
            hand.act("send_refund", refund=refund)


# People who say something -----------------------------------------------------------------------------------------------


def _speak(hand: Hand, twins: TwinsProcess, account: Account, invoice: str, minor: int) -> None:
    """A debtor says something of what he owes, and somebody answers, or nobody does."""
    {
        "contest": _contest,
        "promise": _promise,
        "declare": _declare,
        "plan": lambda *_: _plan(hand, twins, account),
    }[hand.die.choice(("contest", "contest", "promise", "declare", "plan"))](hand, account, invoice, minor)


def _contest(hand: Hand, account: Account, invoice: str, minor: int) -> None:
    amount = hand.die.choice((None, max(1, minor // 3)))
    made = hand.act("contest", debtor=account.debtor, invoice=invoice, minor=amount, attempt=hand.attempt())
    for how in hand.die.sample(("credit", "reject", "withdraw", "reopen", "", ""), 2):
        if made and how:
            hand.act("decide", dispute=made, how=how)


def _promise(hand: Hand, account: Account, invoice: str, minor: int) -> None:
    days, parts = hand.die.choice((0, 1, 3, 9)), _some(hand, invoice, minor)
    made = hand.act("promise", debtor=account.debtor, parts=parts, days=days, attempt=hand.attempt())
    if made and hand.die.random() < 0.3:
        hand.act("break_promise", promise=made)


def _declare(hand: Hand, account: Account, invoice: str, minor: int) -> None:
    made = hand.act("declare", debtor=account.debtor, parts=_some(hand, invoice, minor), attempt=hand.attempt())
    how = hand.die.choice(("record", "record", "refuse", "withdraw", "", ""))
    if made and how:
        hand.act("answer_declaration", declaration=made, how=how)


def _some(hand: Hand, invoice: str, minor: int) -> list[list[Any]]:
    return [[invoice, max(1, minor * hand.die.choice((1, 2)) // 2)]]


def _plan(hand: Hand, twins: TwinsProcess, account: Account) -> None:
    by_mandate = hand.die.random() < 0.5
    if by_mandate:
        give_mandate(hand, twins, account)
    count = hand.die.choice((2, 3, 4))
    made = hand.act("propose_plan", debtor=account.debtor, attempt=hand.attempt(), count=count, by_mandate=by_mandate)
    if not made or made["status"] != "offered":
        return
    hand.act("accept_plan", debtor=account.debtor, plan=made["plan"])
    for how in hand.die.choice(((), (), ("pause", "resume"), ("pause",), ("cancel",), ("default",))):
        hand.act("end_plan", plan=made["plan"], how=how)


# What comes between a notice and its day ---------------------------------------------------------------------------------


def meddle(hand: Hand, twins: TwinsProcess, account: Account) -> None:
    """One thing that somebody does about an account: the debtor, staff, or the accounting."""
    invoice, minor = hand.die.choice(account.invoices)
    hand.die.choice(MEDDLING)(hand, twins, account, invoice, minor)


def _switch(hand: Hand, _twins: TwinsProcess, account: Account, _invoice: str, minor: int) -> None:
    """Off; on again; on with a maximum that some invoices exceed."""
    is_on, maximum = hand.die.choice(((False, None), (True, None), (True, max(1, minor - 1)), (True, 50_000)))
    hand.act("autopay", debtor=account.debtor, is_on=is_on, maximum=maximum)


def _leave_out(hand: Hand, _twins: TwinsProcess, account: Account, invoice: str, _minor: int) -> None:
    hand.act(hand.die.choice(("leave_out", "leave_out", "take_back_in")), debtor=account.debtor, invoice=invoice)


def _end_mandate(hand: Hand, twins: TwinsProcess, account: Account, _invoice: str, _minor: int) -> None:
    if hand.die.random() < 0.5 or not account.mandate:
        give_mandate(hand, twins, account, again=True)
    else:
        hand.act("end_mandate", debtor=account.debtor, mandate=account.mandate)
        account.mandate = None


def _say(hand: Hand, twins: TwinsProcess, account: Account, invoice: str, minor: int) -> None:
    _speak(hand, twins, account, invoice, minor)


def _books(hand: Hand, _twins: TwinsProcess, _account: Account, invoice: str, _minor: int) -> None:
    how = hand.die.choice(("settled", "lowered", "moved", "gone"))
    state = hand.act("import_books", invoice=invoice, how=how)
    hand.tally.note(f"  books {how}: {state}")


def _credit(hand: Hand, _twins: TwinsProcess, account: Account, invoice: str, minor: int) -> None:
    part = max(1, minor * hand.die.choice((1, 2, 4)) // 3)
    made = hand.act("receive_too_much", debtor=account.debtor, minor=part, attempt=hand.attempt())
    if hand.die.random() < 0.4:
        hand.act("use_credit", debtor=account.debtor, parts=[[invoice, part]])
    elif made and hand.die.random() < 0.3:
        hand.act("undo_receipt", payment=made)


def _note(hand: Hand, _twins: TwinsProcess, account: Account, invoice: str, minor: int) -> None:
    hand.act("write_note", debtor=account.debtor, invoice=invoice, minor=max(1, minor * hand.die.choice((1, 3)) // 3))


def _undo(hand: Hand, _twins: TwinsProcess, account: Account, _invoice: str, _minor: int) -> None:
    if account.receipts:
        hand.act("undo_receipt", payment=account.receipts.pop())


def _refund(hand: Hand, _twins: TwinsProcess, account: Account, _invoice: str, _minor: int) -> None:
    came = [one for one in hand.ask("payments_of", debtor=account.debtor) if one["status"] in ("confirmed", "settled")]
    if came:
        one = hand.die.choice(came)
        part = max(1, one["minor"] * hand.die.choice((1, 2, 3)) // 3)
        is_owed = hand.die.random() < 0.5
        refund = hand.act("give_back", payment=one["id"], minor=part, is_owed=is_owed)
        if refund:
            hand.act("send_refund", refund=refund)


def _chargeback(hand: Hand, _twins: TwinsProcess, account: Account, _invoice: str, _minor: int) -> None:
    hand.act("settle_chargeback", debtor=account.debtor, how=hand.die.choice(("owe", "give_up")))


Meddler = Callable[[Hand, TwinsProcess, Account, str, int], None]
MEDDLING: tuple[Meddler, ...] = (
    *(_switch,) * 2,
    *(_leave_out,) * 2,
    *(_end_mandate,) * 2,
    *(_say,) * 4,
    *(_books,) * 3,
    *(_credit,) * 2,
    *(_note,) * 2,
    _undo,
    *(_refund,) * 2,
    _chargeback,
)


# What befalls at the banks ------------------------------------------------------------------------------------------------

CODES = ("AM04", "MS03", "AC04", "AC01", "MD01", "MD06", "MD07", "MS02", "AM05", "SL01", "FF01")


def befall(die: random.Random, twins: TwinsProcess, tally: Tally, *, spare: str = "") -> None:
    """One thing that a bank or a provider does; the mandate to `spare` and its debits are left alone."""
    kind, provider, objects, statuses, reasons = die.choice(MISFORTUNES)
    found = [
        one
        for one in twins.objects(provider, objects)
        if (not statuses or one.get("status") in statuses)
        and (not spare or spare not in {one["id"], one.get("links", {}).get("mandate")})
    ]
    if found:
        try:
            twins.fault(kind, object=die.choice(found)["id"], reason=die.choice(reasons) if reasons else "")
        except AssertionError:
            return  # it has befallen already, or cannot any more
        tally.note(f"bank: {kind}")


OPEN = ("needs_response", "under_review", "warning_needs_response")
MISFORTUNES: tuple[tuple[str, str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("late_failure", "gocardless", "payments", ("confirmed", "paid_out"), CODES),
    ("late_failure", "gocardless", "payments", ("confirmed", "paid_out"), CODES),
    ("failure", "gocardless", "payments", ("submitted",), CODES),
    ("failure", "gocardless", "payments", ("submitted",), CODES),
    ("chargeback", "gocardless", "payments", ("confirmed", "paid_out"), ("MD06", "MD01", "AC04", "MD07")),
    ("chargeback_cancelled", "gocardless", "payments", ("charged_back",), ()),
    ("mandate_cancelled_by_bank", "gocardless", "mandates", ("active", "submitted", "pending_submission"), ()),
    ("payout_fails", "gocardless", "payouts", (), ()),
    ("payout_retried", "gocardless", "payouts", (), ()),
    ("chargeback", "stripe", "charge", ("succeeded",), ("fraudulent", "duplicate", "general")),
    ("chargeback", "stripe", "charge", ("succeeded",), ("product_not_received", "unrecognized")),
    ("inquiry", "stripe", "charge", ("succeeded",), ()),
    ("dispute_answered", "stripe", "dispute", OPEN, ()),
    ("dispute_won", "stripe", "dispute", OPEN, ()),
    ("dispute_lost", "stripe", "dispute", OPEN, ()),
    ("refund_fails", "stripe", "refund", ("succeeded", "pending"), ()),
    ("payout_fails", "stripe", "payout", (), ()),
)
