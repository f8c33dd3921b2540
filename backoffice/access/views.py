"""Signing in and out, one's own account, and the staff."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from flask import Response, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from sqlalchemy.orm import Session

from backoffice.access import guards, passwords, queries, second_factor, service, signin
from backoffice.access.forms import (
    ChosenPasswordForm,
    CodeForm,
    ConfirmForm,
    NewStaffForm,
    PasswordForm,
    SignInForm,
    StaffForm,
)
from backoffice.access.labels import ROLE_HELPS, ROLES, act_sentence
from backoffice.access.member import Member
from backoffice.access.models import StaffMember
from backoffice.access.permissions import Role
from backoffice.access.tell import tell_administrators
from shared.kit import outbox, words
from shared.kit.actors import Actor
from shared.kit.db import reading, transaction
from shared.kit.errors import Conflict, DomainError, Invalid, NotFound
from shared.kit.words import gettext as _
from shared.web import unsent
from shared.web.pages import page, safe_next, see_other, send_away
from shared.web.security import client_address


def sign_in() -> ResponseReturnValue:
    """The door."""
    member = guards.find_current()
    if member is not None:
        return see_other("backoffice.home.today")
    form = SignInForm(data={"next": request.args.get("next", "")})
    wrong = ""
    if form.validate_on_submit():
        try:
            known = signin.check_password(form.email.data or "", form.password.data or "", address=client_address())
        except signin.TooManyTries as error:
            return page("backoffice/access/sign_in.html", status=429, form=form, wrong=error.message)
        if known is not None:
            return _go_on(known, form.next.data)
        wrong = _("The e-mail address and the password do not belong together.")
    status = 422 if form.is_submitted() else 200
    return page("backoffice/access/sign_in.html", status=status, form=form, wrong=wrong)


def _go_on(known: signin.Known, target: str | None) -> ResponseReturnValue:
    if not known.has_second_factor and not known.must_enrol:
        return _enter(known.id, target)
    _clear()
    session["half"] = {"member": str(known.id), "at": service.real_now().isoformat()}
    return see_other(
        "backoffice.access.enrol" if known.must_enrol else "backoffice.access.second_step", next=target or None
    )


def _clear() -> None:
    """Forget everything of the browser's former session, but not its language and the form that waits."""
    kept = {name: session[name] for name in ("language", unsent.MARK) if name in session}
    session.clear()
    session.update(kept)


def _enter(member_id: uuid.UUID, target: str | None) -> ResponseReturnValue:
    _clear()
    with transaction() as db_session:
        token = service.open_session(
            db_session, member_id, user_agent=request.headers.get("User-Agent", ""), address=client_address()
        )
    member = queries.find_member(token, company=None)
    if member is None:
        return see_other("backoffice.access.sign_in")
    login_user(member)
    g.pop("member", None)
    if place := unsent.place_waiting():
        session["company"] = place  # the desk as it was when the form was filled in
        member = replace(member, company=next((each for each in member.companies if str(each.id) == place), None))
    g.member = member
    return send_away(unsent.waiting() or safe_next(target, url_for("backoffice.home.today")))


def second_step(member_id: uuid.UUID) -> ResponseReturnValue:
    """The code of the authenticator, or a recovery code."""
    form = CodeForm(data={"next": request.args.get("next", "")})
    wrong = ""
    if form.validate_on_submit():
        try:
            if signin.check_code(member_id, form.code.data or ""):
                return _enter(member_id, form.next.data)
            wrong = _("This code is wrong or was used already. Wait for the next one.")
        except signin.TooManyTries as error:
            return page("backoffice/access/second_step.html", status=429, form=form, wrong=error.message)
    status = 422 if form.is_submitted() else 200
    return page("backoffice/access/second_step.html", status=status, form=form, wrong=wrong)


def enrol(member_id: uuid.UUID) -> ResponseReturnValue:
    """Set up the second factor before the first session opens."""
    return _enrol(member_id, template="backoffice/access/enrol.html")


def _enrol(member_id: uuid.UUID, *, template: str) -> ResponseReturnValue:
    form = CodeForm(data={"next": request.args.get("next", "")})
    wrong = ""
    with reading() as db_session:
        staff = db_session.get_one(StaffMember, member_id)
    if staff.totp_confirmed_at is not None:
        raise Conflict("staff.enrolled", _("A second factor is already set up."))
    salt = _pending_salt(member_id)
    if form.validate_on_submit():
        with transaction() as db_session:
            codes = service.confirm_enrolment(
                db_session, member_id, salt=salt, code=form.code.data or "", by=Actor.staff(staff.id, staff.name)
            )
        if codes is not None:
            session.pop(_PENDING, None)
            if guards.find_current() is None:
                _enter(member_id, None)
            return page(
                "backoffice/access/recovery_codes.html",
                codes=codes,
                next=safe_next(form.next.data, url_for("backoffice.home.today")),
            )
        wrong = _("This code is wrong. Is the clock of your phone right?")
    status = 422 if form.is_submitted() else 200
    return page(
        template,
        status=status,
        form=form,
        wrong=wrong,
        secret=second_factor.secret_of(salt),
        picture=second_factor.picture_of(salt, email=staff.email),
    )


_PENDING = "second_factor"


def _pending_salt(member_id: uuid.UUID) -> bytes:
    """What the secret on the page is made from: the same one in this browser until a first code is right.

    It waits in the signed cookie, since looking at a page writes nothing; without the installation's key it reveals no
    secret.
    """
    kept: Any = session.get(_PENDING)
    if isinstance(kept, dict) and kept.get("member") == str(member_id):
        return bytes.fromhex(str(kept["salt"]))
    salt = second_factor.new_salt()
    session[_PENDING] = {"member": str(member_id), "salt": salt.hex()}
    return salt


def sign_out(member: Member) -> ResponseReturnValue:
    """End this session."""
    with transaction() as db_session:
        service.end_session(
            db_session, member_id=member.id, session_id=member.session_id, reason="signed out", by=member.as_actor()
        )
    logout_user()
    _clear()
    session.pop(unsent.MARK, None)
    return see_other("backoffice.access.sign_in")


def confirm(member: Member) -> ResponseReturnValue:
    """Prove anew who it is, before something dangerous."""
    form = ConfirmForm(data={"next": request.args.get("next", "")})
    wrong = ""
    if form.validate_on_submit():
        try:
            if signin.check_again(member.id, form.password.data or ""):
                with transaction() as db_session:
                    service.confirm_session(db_session, member.session_id)
                return send_away(unsent.waiting() or safe_next(form.next.data, url_for("backoffice.home.today")))
            wrong = _("This is not your password.")
        except signin.TooManyTries as error:
            return page("backoffice/access/confirm.html", status=429, form=form, wrong=error.message)
    status = 422 if form.is_submitted() else 200
    return page("backoffice/access/confirm.html", status=status, form=form, wrong=wrong)


def choose_company(member: Member) -> ResponseReturnValue:
    """Put another company's affairs on the desk."""
    wanted = request.form.get("company", "")
    if wanted not in {str(desk.id) for desk in member.companies}:
        raise NotFound("company.missing", _("There is no such company."))
    session["company"] = wanted
    return redirect(safe_next(request.form.get("next"), url_for("backoffice.home.today")), 303)


def choose_language(member: Member) -> ResponseReturnValue:
    """Speak another language."""
    wanted = request.form.get("language", "")
    if wanted not in words.LANGUAGES:
        raise Invalid("language.unknown", _("There is no such language."))
    session.pop("language", None)
    with transaction() as db_session:
        service.set_language(db_session, member.id, language=wanted)
    return see_other("backoffice.access.me")


def me(member: Member) -> ResponseReturnValue:
    """One's own account: password, second factor, sessions."""
    return _me(member, PasswordForm())


def _me(member: Member, form: PasswordForm, status: int = 200) -> Response:
    with reading() as db_session:
        sessions = queries.live_sessions(db_session, member.id)
        codes_left = queries.recovery_codes_left(db_session, member.id)
    return page(
        "backoffice/access/me.html", status=status, member=member, form=form, sessions=sessions, codes_left=codes_left
    )


def change_password(member: Member) -> ResponseReturnValue:
    """Another password; all other sessions end."""
    form = PasswordForm()
    if not form.validate():
        return _me(member, form, 422)
    if not signin.check_again(member.id, form.present.data or ""):
        form.present.errors = [_("This is not your password.")]
        return _me(member, form, 422)
    try:
        hashed = passwords.choose(
            form.new.data or "", known=(member.email, member.name, *(desk.name for desk in member.companies))
        )
    except Invalid as error:
        form.new.errors = [error.message]
        return _me(member, form, 422)
    with transaction() as db_session:
        service.set_password(db_session, member.id, password_hash=hashed, keep=member.session_id, by=member.as_actor())
    flash(_("Your password is changed; your other sessions have ended."), "good")
    return see_other("backoffice.access.me")


def set_up_second_factor(member: Member) -> ResponseReturnValue:
    """Set up the second factor of one's own account."""
    return _enrol(member.id, template="backoffice/access/set_up_second_factor.html")


def end_session(member: Member, session_id: uuid.UUID) -> ResponseReturnValue:
    """End one of one's own sessions."""
    with transaction() as db_session:
        service.end_session(
            db_session, member_id=member.id, session_id=session_id, reason="ended by owner", by=member.as_actor()
        )
    flash(_("The session has ended."), "good")
    return see_other("backoffice.access.me")


def staff(member: Member) -> ResponseReturnValue:
    """Everybody at the desk."""
    with reading() as db_session:
        lines = queries.staff(db_session)
    return page("backoffice/access/staff.html", member=member, lines=lines)


def add_staff(member: Member) -> ResponseReturnValue:
    """A new member of staff, who gets a link to choose a password; whoever adds them never sees one."""
    form = NewStaffForm()
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return page("backoffice/access/add_staff.html", status=status, form=form, helps=ROLE_HELPS)
    try:
        with transaction() as db_session:
            added = service.add_member(
                db_session,
                email=form.email.data or "",
                name=form.name.data or "",
                role=Role(form.role.data),
                language=form.language.data or "fr",
                by=member.as_actor(),
            )
            outbox.enqueue(db_session, "staff.password_link", {"member_id": str(added.id)})
            tell_administrators(
                db_session,
                lambda: _("%(name)s (%(email)s) was added to the staff.", name=added.name, email=added.email),
                by=member.as_actor(),
            )
    except DomainError as error:
        form.email.errors = [error.message]
        return page("backoffice/access/add_staff.html", status=422, form=form, helps=ROLE_HELPS)
    flash(_("A message to %(email)s goes out with a link to choose a password.", email=added.email), "good")
    return see_other("backoffice.access.staff")


def show_staff(member: Member, staff_id: uuid.UUID) -> ResponseReturnValue:
    """One member of staff: name, role, sessions, second factor."""
    return _one_of_staff(member, staff_id, None)


def change_staff(member: Member, staff_id: uuid.UUID) -> ResponseReturnValue:
    """Another name or role."""
    form = StaffForm()
    with reading() as db_session:
        stored = _stored(_person(db_session, staff_id))
    if not form.validate() or form.met_another(stored):
        return _one_of_staff(member, staff_id, form)
    role = Role(form.role.data)
    with transaction() as db_session:
        before = _person(db_session, staff_id).role
        service.change_member(db_session, staff_id, name=form.name.data or "", role=role, by=member.as_actor())
        if role is not before:
            name = form.name.data or ""
            tell_administrators(
                db_session,
                lambda: _("The role of %(name)s is now: %(role)s.", name=name, role=str(ROLES[role])),
                by=member.as_actor(),
            )
    flash(_("Saved."), "good")
    return see_other("backoffice.access.staff")


def _one_of_staff(member: Member, staff_id: uuid.UUID, form: StaffForm | None) -> Response:
    with reading() as db_session:
        person = _person(db_session, staff_id)
        sessions = queries.live_sessions(db_session, staff_id)
    return page(
        "backoffice/access/show_staff.html",
        status=422 if form else 200,
        member=member,
        form=form or _stored(person),
        person=person,
        sessions=sessions,
        helps=ROLE_HELPS,
    )


def _stored(person: StaffMember) -> StaffForm:
    return StaffForm(formdata=None, data={"name": person.name, "role": person.role.value})


def _person(db_session: Session, staff_id: uuid.UUID) -> StaffMember:
    person = db_session.get(StaffMember, staff_id)
    if person is None:
        raise NotFound("staff.missing", _("There is no such member of staff."))
    return person


def act_on_staff(member: Member, staff_id: uuid.UUID, act: str) -> ResponseReturnValue:
    """Disable, enable, reset the second factor, or send a link for a new password; every administrator hears of it."""
    by = member.as_actor()
    with transaction() as db_session:
        person = _person(db_session, staff_id)
        if act == "disable":
            service.disable(db_session, staff_id, by=by)
        elif act == "enable":
            service.enable(db_session, staff_id, by=by)
        elif act == "forget-second-factor":
            service.forget_second_factor(db_session, staff_id, by=by)
        elif act == "password-link":
            service.record_link_sent(db_session, staff_id, by=by)
            outbox.enqueue(db_session, "staff.password_link", {"member_id": str(staff_id)})
        else:
            raise NotFound("staff.act", _("There is no such act."))
        name = person.name
        tell_administrators(db_session, lambda: act_sentence(act, name), by=by)
    if act == "password-link":
        flash(_("A message to %(email)s goes out with a link to choose a password.", email=person.email), "good")
    else:
        flash(_("Done."), "good")
    if act == "disable":
        return see_other("backoffice.handover.show", staff_id=staff_id)
    return see_other("backoffice.access.show_staff", staff_id=staff_id)


def welcome(token: str) -> ResponseReturnValue:
    """Choose a password with the link of a mail. Looking changes nothing; the link ends with the first password."""
    with reading() as db_session:
        known = service.find_by_password_link(db_session, token)
    if known is None:
        return page("backoffice/access/welcome_over.html", status=404)
    form = ChosenPasswordForm()
    if not form.validate_on_submit():
        return page(
            "backoffice/access/welcome.html", status=422 if form.is_submitted() else 200, form=form, email=known.email
        )
    try:
        hashed = passwords.choose(form.new.data or "", known=(known.email, known.name))
    except Invalid as error:
        form.new.errors = [error.message]
        return page("backoffice/access/welcome.html", status=422, form=form, email=known.email)
    with transaction() as db_session:
        if service.find_by_password_link(db_session, token) is None:
            return page("backoffice/access/welcome_over.html", status=404)
        service.set_password(
            db_session, known.id, password_hash=hashed, keep=None, by=Actor.staff(known.id, known.name)
        )
    flash(_("Your password is chosen. Sign in with it."), "good")
    return see_other("backoffice.access.sign_in")


def end_staff_session(member: Member, staff_id: uuid.UUID, session_id: uuid.UUID) -> ResponseReturnValue:
    """End a session of somebody else."""
    with transaction() as db_session:
        service.end_session(
            db_session, member_id=staff_id, session_id=session_id, reason="ended by staff", by=member.as_actor()
        )
    flash(_("The session has ended."), "good")
    return see_other("backoffice.access.show_staff", staff_id=staff_id)
