"""Flows that give a paper: the kept one, or one made now, kept, and the same ever after.

Each reads in one short transaction, makes the PDF outside any, and records it in another. Two requests at once may
both make it; the database lets the first record win, and both serve its bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from shared.documents import queries, render, rules, spreadsheet
from shared.documents import service as documents
from shared.documents.facts import (
    Brand,
    DebitFacts,
    InvoiceFacts,
    Language,
    MandateFacts,
    PlanFacts,
    ReceiptFacts,
    StandingFacts,
    StatementFacts,
    as_json,
    from_json,
)
from shared.documents.models import Document, DocumentKind
from shared.documents.queries import Parties
from shared.documents.render import Paper
from shared.kit import files
from shared.kit.aside import Engaged
from shared.kit.db import assert_outside_transaction, reading, transaction
from shared.kit.errors import Invalid, NotFound
from shared.kit.pdf import PaperTooHeavyError
from shared.kit.words import current_language, speaking
from shared.kit.words import gettext as _

MOST_IN_BUNDLE = 100
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A paper to serve: its bytes and what the download is called."""

    content: bytes
    name: str
    media_type: str
    sha256: str
    is_electronic: bool
    is_original: bool
    document_id: uuid.UUID


Standing = tuple[StandingFacts, DebitFacts | None]
"""How an invoice stands now, and the mandate when all of it is debited."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A paper that may not be made yet: whose it is, what it says, and what tells it apart."""

    parties: Parties
    kind: DocumentKind
    subject_id: uuid.UUID
    version: str
    facts: dict[str, Any]
    language: Language


class TooLongAtOnce(Exception):  # noqa: N818 - it is an answer
    """Nobody can wait for this paper: it is to be ordered (`orders`)."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(f"a {draft.kind.value} of too many lines")
        self.draft = draft


def invoice(invoice_id: uuid.UUID, standing: Standing | None = None, *, is_patient: bool = True) -> KeptFile:
    """An invoice's PDF: the stored original as it came when there is one, else made (Factur-X) and kept.

    What was true at issue is taken from the paper that was made first, whatever changed since. With `standing` its
    payment block says how the invoice stands now: one paper for each standing. Raises NotFound, and, when the caller is not patient, TooLongAtOnce. Whether the reader may
    see this invoice is the caller's question.
    """
    assert_outside_transaction()
    version = _version(as_json(standing[0]) | (as_json(standing[1]) if standing[1] else {})) if standing else ""
    with reading() as session:
        kept = queries.find_original(session, invoice_id) or queries.find_document(
            session, DocumentKind.INVOICE, invoice_id, version
        )
        if kept is not None:
            return _file(kept)
        facts, parties = queries.invoice_facts(session, invoice_id)
        first = queries.first_invoice(session, invoice_id)
    at_issue = from_json(InvoiceFacts, first.facts) if first is not None and first.facts else facts
    shown = replace(at_issue, standing=standing and standing[0], debit=standing and standing[1])
    draft = Draft(parties, DocumentKind.INVOICE, invoice_id, version, as_json(shown), shown.language)
    if len(shown.lines) > render.ROWS_AT_ONCE and not is_patient:
        raise TooLongAtOnce(draft)
    return record(draft, render.invoice(shown, parties.brand))


def statement(
    debtor_id: uuid.UUID, *, since: date, until: date, today: date, language: Language | None = None
) -> KeptFile:
    """An account statement as PDF; asked again with nothing changed, it is the same file.

    Raises NotFound, Invalid, and TooLongAtOnce.
    """
    facts, parties = _statement_facts(debtor_id, since, until, today, language)
    draft = statement_draft(facts, parties)
    if kept := find(draft):
        return kept
    if len(facts.open_items) + len(facts.movements) > render.ROWS_AT_ONCE:
        raise TooLongAtOnce(draft)
    return record(draft, render.statement(facts, parties.brand))


def statement_draft(facts: StatementFacts, parties: Parties) -> Draft:
    """What tells this statement apart from others."""
    written = as_json(facts)
    return Draft(parties, DocumentKind.STATEMENT, parties.debtor_id, _version(written), written, facts.language)


def statement_table(
    debtor_id: uuid.UUID,
    *,
    since: date,
    until: date,
    today: date,
    language: Language | None = None,
    form: Literal["xlsx", "csv"] = "xlsx",
) -> Paper:
    """The same statement as a workbook or a CSV; made anew each time. Raises NotFound, Invalid."""
    facts, _parties = _statement_facts(debtor_id, since, until, today, language)
    return spreadsheet.statement_csv(facts) if form == "csv" else spreadsheet.statement(facts)


def receipt(facts: ReceiptFacts, *, debtor_id: uuid.UUID, payment_id: uuid.UUID) -> KeptFile:
    """A payment's receipt: one while the bank may still take the money back, one when it is final."""
    assert_outside_transaction()
    version = "final" if facts.is_final else "provisional"
    return _once(
        lambda brand: render.receipt(facts, brand),
        debtor_id,
        kind=DocumentKind.RECEIPT,
        subject_id=payment_id,
        version=version,
        facts=facts,
    )


def mandate(facts: MandateFacts, *, debtor_id: uuid.UUID, mandate_id: uuid.UUID) -> KeptFile:
    """A mandate as it was given; its later fate changes nothing on it."""
    assert_outside_transaction()
    version = "given" if facts.signature else "blank"
    return _once(
        lambda brand: render.mandate(facts, brand),
        debtor_id,
        kind=DocumentKind.MANDATE,
        subject_id=mandate_id,
        version=version,
        facts=facts,
    )


def plan(facts: PlanFacts, *, debtor_id: uuid.UUID, plan_id: uuid.UUID) -> KeptFile:
    """An acknowledgement of debt as it was given; the plan's later fate changes nothing on it."""
    assert_outside_transaction()
    return _once(
        lambda brand: render.plan(facts, brand),
        debtor_id,
        kind=DocumentKind.PLAN,
        subject_id=plan_id,
        version="",
        facts=facts,
    )


def bundle(
    debtor_id: uuid.UUID,
    invoice_ids: Sequence[uuid.UUID],
    standing_of: Callable[[uuid.UUID], Standing | None] = lambda _invoice_id: None,
) -> Iterator[bytes]:
    """A ZIP of a debtor's chosen invoices, in pieces as they are made; `standing_of` as for one of them.

    What is too long to be made while somebody waits is left out, and a note in the archive names it: an answer that has begun
    can say nothing else.

    Raises, before the first piece, NotFound when one of them is not this debtor's, and Invalid when they are none or
    too many.
    """
    assert_outside_transaction()
    wanted = list(dict.fromkeys(invoice_ids))
    if not 1 <= len(wanted) <= MOST_IN_BUNDLE:
        raise Invalid("document.bundle", _("Choose between 1 and %(most)s invoices.", most=MOST_IN_BUNDLE))
    with reading() as session:
        chosen = queries.numbers_of(session, debtor_id, wanted)
    if len(chosen) != len(wanted):
        raise NotFound("invoice.missing", _("There is no such invoice."))
    return _zipped(chosen, standing_of, current_language())


def _zipped(
    chosen: list[tuple[uuid.UUID, str]], standing_of: Callable[[uuid.UUID], Standing | None], language: str
) -> Iterator[bytes]:
    names = rules.unique_names(files.safe_name(number.replace("/", "-") + ".pdf") for _identity, number in chosen)
    pipe = _Pipe()
    long: list[str] = []
    crowded: list[str] = []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:  # PDFs do not get smaller
        for (identity, number), name in zip(chosen, names, strict=True):
            try:
                content = invoice(identity, standing_of(identity), is_patient=False).content
            except (TooLongAtOnce, PaperTooHeavyError):
                long.append(number)
                continue
            except Engaged:
                crowded.append(number)
                continue
            archive.writestr(_entry(name), content)
            yield from pipe.pieces()
        if long or crowded:
            with speaking(language):
                archive.writestr(_entry(files.safe_name(_("Not in this archive") + ".txt")), _note(long, crowded))
    yield from pipe.pieces()


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))


def _note(long: Sequence[str], crowded: Sequence[str]) -> bytes:
    """Which invoices are not in an archive and where to get them; with the marks by which every editor reads it."""
    said: list[str] = []
    if long:
        said += [_("These invoices are too long for an archive. Download each of them from its own page:"), *long]
    if crowded:
        said += [
            _(
                "Many papers were being made at that moment, and these invoices could not be. "
                "Download the archive again in a few minutes:"
            ),
            *crowded,
        ]
    return "".join(f"{line}\r\n" for line in said).encode("utf-8-sig")


class _Pipe(io.RawIOBase):
    """What the archive writes, until somebody takes it: a file that cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        return len(data)

    def pieces(self) -> Iterator[bytes]:
        while self._waiting:
            piece = bytes(self._waiting[:_CHUNK])
            del self._waiting[:_CHUNK]
            yield piece


def _statement_facts(
    debtor_id: uuid.UUID, since: date, until: date, today: date, language: Language | None
) -> tuple[StatementFacts, Parties]:
    assert_outside_transaction()
    if since > until:
        raise Invalid("document.period", _("The first day is after the last one."))
    with reading() as session:
        return queries.statement_facts(session, debtor_id, since=since, until=until, today=today, language=language)


def _once(
    make: Callable[[Brand], Paper],
    debtor_id: uuid.UUID,
    *,
    kind: DocumentKind,
    subject_id: uuid.UUID,
    version: str,
    facts: ReceiptFacts | MandateFacts | PlanFacts,
) -> KeptFile:
    with reading() as session:
        if kept := queries.find_document(session, kind, subject_id, version):
            return _file(kept)
        parties = queries.get_parties(session, debtor_id)
    draft = Draft(parties, kind, subject_id, version, as_json(facts), facts.language)
    return record(draft, make(parties.brand))


def find(draft: Draft) -> KeptFile | None:
    """The paper, when it was made before."""
    with reading() as session:
        kept = queries.find_document(session, draft.kind, draft.subject_id, draft.version)
        return _file(kept) if kept else None


def record(draft: Draft, paper: Paper) -> KeptFile:
    """Keep a paper that was made. The first one wins: a second maker gets the first's bytes."""
    stored = files.get_store().put(paper.content)
    with transaction() as session:
        kept = documents.keep(
            session,
            paper,
            stored=stored,
            kind=draft.kind,
            subject_id=draft.subject_id,
            version=draft.version,
            company_id=draft.parties.company_id,
            debtor_id=draft.parties.debtor_id,
            language=draft.language,
            facts=draft.facts,
        )
    return _file(kept)


def kept_file(document_id: uuid.UUID) -> KeptFile:
    """A paper that is kept; raises NotFound. Whether the reader may see it is the caller's question."""
    with reading() as session:
        kept = session.get(Document, document_id)
        if kept is None:
            raise NotFound("document.missing", _("There is no such document."))
        return _file(kept)


def _file(kept: Document) -> KeptFile:
    return KeptFile(
        content=files.get_store().get(kept.sha256),
        name=kept.name,
        media_type=kept.media_type,
        sha256=kept.sha256,
        is_electronic=kept.is_electronic,
        is_original=kept.kind is DocumentKind.ORIGINAL,
        document_id=kept.id,
    )


def _version(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
