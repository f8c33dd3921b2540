"""The verbs of the entrance: each in a short transaction of its own; mail leaves by the outbox after its commit."""

from __future__ import annotations

import hmac
import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import portal.access.jobs  # noqa: F401 - asking for a job by name needs it registered
from shared.access import queries, service
from shared.access.models import LinkPurpose
from shared.access.queries import Visitor
from shared.access.service import CodeCheck
from shared.debtors import service as debtors
from shared.debtors.erased import AskedToBeErased
from shared.debtors.models import ContactRole
from shared.debtors.service import add_contact, lock_account, normalise_email, remove_contact
from shared.kit import clock, limits, outbox, templating
from shared.kit.db import transaction
from shared.kit.errors import DomainError, Invalid, Refused
from shared.kit.ids import new_id
from shared.kit.settings import get_settings
from shared.kit.tokens import digits_of
from shared.kit.words import gettext as _
from shared.messages import service as messages

HOUR = timedelta(hours=1)
CODE_WAITS = timedelta(minutes=30)
"""Nobody sits before the page longer than this: a code that has not left by then does not leave any more."""
MINUTE = timedelta(minutes=1)

LINKS_PER_ADDRESS = 20
CODES_PER_CONTACT = 5
INVITATIONS_PER_DEBTOR = 10
WRONG_TOKENS_PER_MINUTE = 10


class TooMany(DomainError):  # noqa: N818 - named as the families are
    """Asked too often."""

    http_status = 429


def _too_many() -> TooMany:
    return TooMany("access.too_many", _("Please wait a while before you try again."))


def enter(token: str, *, address: str, user_agent: str, leaving: Visitor | None) -> Visitor | None:
    """Open a session with a link's token and end the one that this browser had; None for a token that opens nothing.

    Raises TooMany for a caller who tries many wrong ones.
    """
    with transaction() as session:
        opened = service.redeem(session, token=token, address=address, user_agent=user_agent)
        if opened is not None:
            if leaving is not None:
                service.end_session(session, session_id=leaving.session_id, debtor_id=leaving.debtor_id)
            return queries.find_visitor(session, opened.token)
    with transaction() as session:
        is_within = limits.hit(
            session, f"wrong-link:{limits.caller(address)}", limit=WRONG_TOKENS_PER_MINUTE, window=MINUTE
        )
    if not is_within:
        raise _too_many()
    return None


def leave(visitor: Visitor) -> None:
    """End the visitor's own session."""
    with transaction() as session:
        service.end_session(session, session_id=visitor.session_id, debtor_id=visitor.debtor_id)


def ask_for_link(email: str, *, address: str) -> None:
    """Have a new link sent to an address, if somebody has it. Does the same work, and says the same, in both cases.

    Raises Invalid for what is no address, TooMany for a caller who asks too often.
    """
    wanted = normalise_email(email)
    with transaction() as session:
        is_within = limits.hit(session, f"new-link:{limits.caller(address)}", limit=LINKS_PER_ADDRESS, window=HOUR)
        if is_within:
            accounts = [[str(contact), str(debtor)] for contact, debtor in queries.find_contacts(session, wanted)]
            outbox.enqueue(
                session, "portal.send_links", {"request": str(new_id()), "accounts": accounts, "asker": _asker(address)}
            )
    if not is_within:
        raise _too_many()


def must_be_trusted(visitor: Visitor) -> None:
    """Raises Refused for a person whom staff added, until somebody has agreed or the time for objecting is over."""
    if visitor.trusted_from is not None:
        raise Refused(
            "access.not_trusted_yet",
            _(
                "Our staff have given you access to this account: you can see and pay everything. What has a lasting effect "
                "opens to you as soon as a holder of the account or one of our managers has agreed, at the latest on %(day)s.",
                day=templating.day(visitor.trusted_from.astimezone(ZoneInfo(visitor.company.zone)).date()),
            ),
        )


def agree(visitor: Visitor, contact_id: uuid.UUID) -> None:
    """Agree to somebody whom the company's staff added. Raises Refused for a member, NotFound."""
    _must_own(visitor)
    with transaction() as session:
        lock_account(session, visitor.debtor_id)
        debtors.agree(session, debtor_id=visitor.debtor_id, contact_id=contact_id, by=visitor.as_actor())


def _asker(address: str) -> str:
    """Whoever asks, as the outbox may know it: nobody reads an address from it."""
    return hmac.new(
        get_settings().secret_key.get_secret_value().encode(), limits.caller(address).encode(), "sha256"
    ).hexdigest()[:16]


def send_code(visitor: Visitor) -> None:
    """Send a one-time code for this session; raises TooMany, or Refused when nothing can be sent to the address."""
    must_be_trusted(visitor)
    with transaction() as session:
        is_within = limits.hit(session, f"code:{visitor.contact_id}", limit=CODES_PER_CONTACT, window=HOUR)
        written = is_within and messages.write(
            session,
            kind="code",
            debtor_id=visitor.debtor_id,
            contact_ids=[visitor.contact_id],
            subject_id=visitor.session_id,
            reason=lambda: _("You asked for a code on the page of your account."),
            dedupe_key=f"code:{new_id()}",
            until_at=clock.now() + CODE_WAITS,
        )
    if not is_within:
        raise _too_many()
    if not written:
        raise Refused(
            "access.no_mail", _("Messages to your address come back. Please contact us, so that we can correct it.")
        )


def prove(visitor: Visitor, code: str) -> CodeCheck:
    """Lift the session to the second tier with the code that was sent to it."""
    digits = digits_of(code)
    with transaction() as session:
        return service.check_code(session, session_id=visitor.session_id, code=digits, by=visitor.as_actor())


def renew(visitor: Visitor) -> Visitor | None:
    """The same session under a new token, once a code has lifted it."""
    with transaction() as session:
        return queries.find_visitor(session, service.renew(session, session_id=visitor.session_id))


def change_account(visitor: Visitor, debtor_id: uuid.UUID) -> Visitor | None:
    """Go over to another account of the same person; raises NotFound for one that is not."""
    with transaction() as session:
        opened = service.switch(session, session_id=visitor.session_id, debtor_id=debtor_id)
        return queries.find_visitor(session, opened.token)


def invite(visitor: Visitor, *, email: str, name: str, language: str, is_reminded: bool) -> None:
    """Give a colleague a link of its own. Raises Refused for a member, Invalid for no address, TooMany."""
    _must_own(visitor)
    address = normalise_email(email)
    with (
        transaction() as session
    ):  # counted also when it comes to nothing: nobody finds out in rows whom we do not write to
        is_within = limits.hit(session, f"invite:{visitor.debtor_id}", limit=INVITATIONS_PER_DEBTOR, window=HOUR)
    if not is_within:
        raise _too_many()
    with transaction() as session:
        try:
            contact = add_contact(
                session,
                debtor=lock_account(session, visitor.debtor_id),
                email=address,
                name=name.strip(),
                language=language,
                role=ContactRole.MEMBER,
                is_reminded=is_reminded,
                by=visitor.as_actor(),
            )
        except AskedToBeErased as error:  # what somebody asked of us is not for others to know
            raise Invalid(
                "access.not_invited",
                _("This address cannot be invited from here. Please write to %(email)s.", email=visitor.company.email),
            ) from error
        written = messages.write(
            session,
            kind="invitation",
            debtor_id=visitor.debtor_id,
            contact_ids=[contact.id],
            facts={"inviter": visitor.name},
            link=LinkPurpose.INVITATION,
            reason=lambda: _("%(inviter)s has given you access to this account.", inviter=visitor.name),
            dedupe_key=f"invitation:{new_id()}",
        )
        if not written:
            raise Refused("access.not_written", _("No message can be sent to this address."))


def remove(visitor: Visitor, contact_id: uuid.UUID) -> None:
    """End another person's access, with all links and sessions. Raises Refused for a member and for oneself, NotFound."""
    _must_own(visitor)
    if contact_id == visitor.contact_id:
        raise Refused("access.oneself", _("You cannot remove yourself. Another person of this account can."))
    with transaction() as session:
        lock_account(session, visitor.debtor_id)
        remove_contact(session, debtor_id=visitor.debtor_id, contact_id=contact_id, by=visitor.as_actor())
        service.revoke_links(session, debtor_id=visitor.debtor_id, contact_id=contact_id, by=visitor.as_actor())


def revoke(visitor: Visitor, link_id: uuid.UUID) -> bool:
    """Close one link of the account, a member its own only; False when there is no such link open."""
    with transaction() as session:
        mine = None if visitor.may_invite else visitor.contact_id
        return (
            service.revoke_links(
                session, debtor_id=visitor.debtor_id, contact_id=mine, link_id=link_id, by=visitor.as_actor()
            )
            > 0
        )


def end(visitor: Visitor, session_id: uuid.UUID) -> None:
    """End a session of the account; raises Refused for a member, NotFound for one of another account."""
    _must_own(visitor)
    with transaction() as session:
        service.end_session(session, session_id=session_id, debtor_id=visitor.debtor_id)


def _must_own(visitor: Visitor) -> None:
    if not visitor.may_invite:
        raise Refused("access.member", _("Only the holder of this account may decide who has access."))
