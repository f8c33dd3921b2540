"""After an act of staff: that a debtor could not be written to, whatever the act itself says of it."""

from __future__ import annotations

from flask import Flask, Response, flash, request

from shared.kit.words import gettext as _
from shared.messages import unheard

NAMED = 3


def install(app: Flask) -> None:
    """Listen during every act, and say on the next page who could not be told."""
    app.before_request(_begin)
    app.after_request(_say)


def flash_told(done: str, told: str = "") -> None:
    """Say what was done, and that the debtor is told of it: only when everybody who was to be told has an address that takes messages.

    `told` says it in other words than the usual ones. Whom nobody could write to is named by the act's own flash.
    """
    if unheard.anybody():
        flash(done, "good")
    else:
        flash(f"{done} {told or _('The debtor is told by mail.')}", "good")


def _begin() -> None:
    if request.method == "POST":
        unheard.begin()


def _say(answer: Response) -> Response:
    names = unheard.take()
    if names and request.method == "POST" and 300 <= answer.status_code < 400:
        named = ", ".join(names[:NAMED]) + ("…" if len(names) > NAMED else "")
        flash(
            _(
                "No message was written to %(names)s: no address there takes messages. Please tell them another way.",
                names=named,
            ),
            "wait",
        )
    return answer
