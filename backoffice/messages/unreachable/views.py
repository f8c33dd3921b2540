"""The list of addresses that take no message, and trying them again, one or many."""

from __future__ import annotations

from flask import flash
from flask.typing import ResponseReturnValue

from backoffice import bulk
from backoffice.access.member import Member
from backoffice.listing import asked
from backoffice.messages.unreachable import queries
from shared.debtors.service import try_again
from shared.kit.db import reading, transaction
from shared.kit.words import gettext as _
from shared.kit.words import ngettext
from shared.web.pages import page


def browse(member: Member) -> ResponseReturnValue:
    """The list, the latest refusal first."""
    ask = asked()
    with reading() as session:
        found = queries.browse(session, member.company_id, ask)
    return page("backoffice/messages/unreachable.html", ask=ask, found=found, orders=queries.ORDERS)


def act(member: Member) -> ResponseReturnValue:
    """Write to all ticked addresses again from now on."""
    wanted = bulk.ticked(lambda session, identity: queries.must_be_ours(session, member.company_id, identity))
    if not wanted:
        flash(_("Tick something first."), "error")
    else:
        with transaction() as session:
            lifted = try_again(session, wanted, company_id=member.company_id, by=member.as_actor())
        said = ngettext(
            "%(n)s address is written to again from now on.",
            "%(n)s addresses are written to again from now on.",
            len(lifted),
        )
        flash(said, "good")
    return bulk.back("backoffice.messages.unreachable.browse", ())
