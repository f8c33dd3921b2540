"""The account page as one would write it without us: Flask, the SQLAlchemy ORM, one template. French only.

The same data and the same HTML as ours (the bench compares what both show); no forms' tokens, languages, headers, guards or
touch of the session.
Served by `gunicorn tests.bench.bare:app` with BENCH_DATABASE_URL.
"""

import hashlib
import os
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency
from flask import Flask, abort, render_template, request
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, joinedload, mapped_column, relationship

app = Flask(__name__, template_folder="templates")
engine = create_engine(os.environ.get("BENCH_DATABASE_URL", "postgresql+psycopg://"))


LIVE_PLANS = ("needs_person", "offered", "active", "paused", "in_default")


class Base(DeclarativeBase):
    """The tables that this page reads, as far as it reads them."""


class Company(Base):
    __tablename__ = "company"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    trade_name: Mapped[str]
    legal_name: Mapped[str]
    legal_form: Mapped[str]
    capital: Mapped[str]
    siren: Mapped[str]
    trade_register: Mapped[str]
    accent: Mapped[str]
    zone: Mapped[str]


class Contact(Base):
    __tablename__ = "contact"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]


class Debtor(Base):
    __tablename__ = "debtor"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    company_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("company.id"))
    account_code: Mapped[str]
    name: Mapped[str]
    currency: Mapped[str]
    credit_minor: Mapped[int]
    company: Mapped[Company] = relationship()


class PortalSession(Base):
    __tablename__ = "portal_session"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes]
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    contact_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("contact.id"))
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    debtor: Mapped[Debtor] = relationship()
    contact: Mapped[Contact] = relationship()


class Invoice(Base):
    __tablename__ = "invoice"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    kind: Mapped[str]
    number: Mapped[str]
    title: Mapped[str]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    currency: Mapped[str]
    total_minor: Mapped[int]
    open_minor: Mapped[int]
    held_minor: Mapped[int]
    frozen_minor: Mapped[int]
    settled_on: Mapped[date | None]

    @property
    def payable_minor(self) -> int:
        return max(0, self.open_minor - self.held_minor - self.frozen_minor)


class Plan(Base):
    __tablename__ = "plan"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    debtor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("debtor.id"))
    status: Mapped[str]


@app.template_filter()
def money(minor: int, currency: str = "EUR") -> str:
    return format_currency(minor / 100, currency, locale="fr_FR")


@app.template_filter()
def day(value: date) -> str:
    text = format_date(value, "d MMMM y", locale="fr_FR")
    return text.replace("1 ", "1er ", 1) if value.day == 1 else text


@app.template_filter()
def lateness(value: date, today: date) -> str:
    days = (value - today).days
    if days == 0:
        return "à régler aujourd’hui"
    many = "s" if abs(days) > 1 else ""
    return f"à régler dans {days} jour{many}" if days > 0 else f"{-days} jour{many} de retard"


@app.get("/")
def home() -> Any:
    token = request.cookies.get("sid", "")
    with Session(engine) as session:
        seat = session.scalar(
            select(PortalSession)
            .where(PortalSession.token_hash == hashlib.sha256(token.encode()).digest())
            .where(PortalSession.ended_at.is_(None))
            .where(PortalSession.seen_at > datetime.now(UTC) - timedelta(minutes=30))
            .options(joinedload(PortalSession.debtor).joinedload(Debtor.company), joinedload(PortalSession.contact))
        )
        if seat is None:
            abort(403)
        debtor = seat.debtor
        today = datetime.now(ZoneInfo(debtor.company.zone)).date()
        found = session.scalars(
            select(Invoice)
            .where(Invoice.debtor_id == debtor.id, Invoice.open_minor > 0)
            .order_by(Invoice.due_on, Invoice.id)
        ).all()
        if session.scalar(select(Plan.id).where(Plan.debtor_id == debtor.id, Plan.status.in_(LIVE_PLANS)).limit(1)):
            abort(501)  # an account with a plan shows more; none of the visitors has one
        asked = [invoice for invoice in found if invoice.kind == "invoice"]
        late = [invoice for invoice in asked if invoice.due_on < today]
        coming = [invoice for invoice in asked if invoice.due_on >= today and invoice.payable_minor]
        return render_template(
            "bare.html",
            debtor=debtor,
            company=debtor.company,
            today=today,
            rows=found[:20],
            open_count=len(found),
            owed=sum(invoice.payable_minor for invoice in asked),
            late=sum(invoice.payable_minor for invoice in late),
            late_count=len(late),
            held=sum(invoice.held_minor for invoice in asked),
            frozen=sum(invoice.frozen_minor for invoice in asked),
            coming=sum(invoice.payable_minor for invoice in coming),
            coming_count=len(coming),
            credit=debtor.credit_minor + sum(each.open_minor for each in found if each.kind == "credit_note"),
        )


@app.get("/invoices/<uuid:invoice_id>")
def invoice(invoice_id: uuid.UUID) -> Any:
    """Where a row leads; never asked for."""
    abort(404)
