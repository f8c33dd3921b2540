"""Acting on many things, one by one: one that fails never stops its neighbours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from shared.kit.errors import Unavailable

log = logging.getLogger(__name__)

_T = TypeVar("_T")


def act_on_each(found: Iterable[_T], act: Callable[[_T], object], *, patience: int | None = None) -> None:
    """Call `act` for each, in order. What fails is logged by its name, and the others go on.

    With `patience` it ends after so many silences (Unavailable) in a row: it is somebody's silence then, not one thing's.
    Raises at the end the first error that is more than a silence, else the first silence: the job is tried again, or dead and
    shown to staff, as if that thing had been alone. So `act` must bear being called again for what succeeded.
    """
    failures: list[Exception] = []
    in_a_row = 0
    for each in found:
        try:
            act(each)
            in_a_row = 0
        except Unavailable as error:
            log.warning("%s waits: %s", each, error.code)
            failures.append(error)
            in_a_row += 1
            if in_a_row == patience:
                break
        except Exception as error:
            log.exception("%s could not be acted on: the others go on", each)
            failures.append(error)
            in_a_row = 0
    if failures:
        raise min(failures, key=lambda error: isinstance(error, Unavailable))
