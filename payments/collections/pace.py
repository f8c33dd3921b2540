"""Making many debits: a few at a time, at the pace that the provider takes, and none of them stops the others.

A debit is three requests, two of them before its transaction; GoCardless takes 1,000 a minute. Two threads fill that; a
third waits for the second. What is not made today is made by the next run: nothing here is a record.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from payments.collections.collect import collect_one, set_aside
from payments.gateways.base import TryLater
from payments.gateways.choose import debits
from shared.kit.errors import Conflict, Unavailable

log = logging.getLogger(__name__)

AT_ONCE = 3
"""So many threads speak to the provider at a time."""

SILENT_IN_A_ROW = 5
"""So many different debits unanswered one after the other: it is the provider, not one mandate, and the run rests."""


ASKS_US_TO_WAIT = frozenset({"gocardless.busy", "gocardless.engaged"})
BUSY_PAUSES_S = (1.0, 5.0, 15.0, 30.0)
"""So long one waits before a debit that met the provider's limit is tried again."""


def collect_all(run_id: uuid.UUID, due: Sequence[uuid.UUID], *, today: date) -> bool:
    """Make the debits of announced collections; False when the provider is silent and the rest follows later.

    One whose mandate is not answered, or answered oddly, is set aside with a decision and asked for by the next run.
    """
    row = _Row()

    def one(collection_id: uuid.UUID) -> None:
        if row.is_over:
            return
        row.rest(debits().wait_s)
        row.note(silent=not _collect(run_id, collection_id, today=today))

    if len(due) <= AT_ONCE:
        for collection_id in due:
            one(collection_id)
    else:
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="debits") as pool:
            list(pool.map(one, due))
    return not row.is_over and not 0 < len(due) == row.silent_count


def _collect(run_id: uuid.UUID, collection_id: uuid.UUID, *, today: date) -> bool:
    """Whether the provider answered. One that asks us to slow down is asked again after a while: it is not silent."""
    try:
        for pause_s in (*BUSY_PAUSES_S, None):
            try:
                collect_one(run_id, collection_id, today=today)
                break
            except TryLater as busy:
                if pause_s is None or busy.code not in ASKS_US_TO_WAIT:
                    raise
                time.sleep(max(pause_s, debits().wait_s()))
    except Unavailable as error:
        log.warning("the provider does not answer about collection %s: %s", collection_id, error.code)
        _aside(lambda: set_aside(run_id, collection_id, reason="provider_silent"))
        return False
    except Conflict as error:
        log.error("what the provider says about collection %s cannot be: %s", collection_id, error.code)  # noqa: TRY400
        _aside(lambda: set_aside(run_id, collection_id, reason="provider_odd"))
    except Exception:
        log.exception("collection %s could not be made: the others go on", collection_id)
    return True


def _aside(keep: Callable[[], None]) -> None:
    """Keep a decision, or not: a debtor's row that a long import holds ends the row of nobody else's debits."""
    try:
        keep()
    except Exception:
        log.exception("a decision could not be kept")


class _Row:
    """How many different debits went unanswered one after the other."""

    def __init__(self) -> None:
        self._lock, self._resting = threading.Lock(), threading.Lock()
        self._silent = 0
        self.silent_count = 0

    @property
    def is_over(self) -> bool:
        return self._silent >= SILENT_IN_A_ROW

    def rest(self, wait_s: Callable[[], float]) -> None:
        """Wait for the provider's next minute; the others wait for the one that waits, and ask again when it has begun."""
        with self._resting:
            seconds = wait_s()
            if seconds > 0:
                time.sleep(seconds)

    def note(self, *, silent: bool) -> None:
        with self._lock:
            self._silent = self._silent + 1 if silent else 0
            self.silent_count += silent
