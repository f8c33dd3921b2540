"""What this room holds about persons: the files that were imported, with everybody in them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Text, case, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from backoffice.imports.models import ImportChange, ImportRun, RunState
from shared.kit import clock, discarded
from shared.kit.db import among
from shared.kit.personal import Basis, Keys, Kind, Scope, Term, ids, register, uses_files
from shared.kit.words import lazy_gettext as _l

_GIVEN_UP = (RunState.READY, RunState.FAULTY, RunState.ASKING)
_OVER = (RunState.DONE, RunState.REFUSED, RunState.CANCELLED, RunState.UNDONE)
"""What is under way comes to one of these, or is given back by `stuck`."""


@uses_files
def _imported(sha256: str) -> Select[Any]:
    return select(ImportRun.id).where(ImportRun.file_sha256 == sha256, ImportRun.file_gone_at.is_(None))


def _old(scope: Scope) -> Select[Any]:
    return select(ImportRun.id).where(
        ImportRun.company_id == scope.company_id,
        func.coalesce(ImportRun.undone_at, ImportRun.finished_at, ImportRun.created_at) < scope.before,
        ImportRun.state.in_((*_OVER, *_GIVEN_UP)),
        ImportRun.file_gone_at.is_(None),
    )


def _let_go(session: Session, keys: Keys) -> None:
    """The file goes, and what was quoted from it; its digest, its counts and the certificate stay. One that nobody confirmed is given up."""
    is_over = ImportRun.state.in_(_OVER)
    gone = session.execute(
        update(ImportRun)
        .where(among(ImportRun.id, ids(keys)))
        .values(
            file_gone_at=clock.now(),
            faults=[],
            warnings=[],
            questions=[],
            facts=ImportRun.facts.op("-")("sample").op("#-")(cast(["forecast", "contacts"], ARRAY(Text))),
            state=case((is_over, ImportRun.state), else_=literal(RunState.CANCELLED, ImportRun.state.type)),
            finished_at=func.coalesce(ImportRun.finished_at, clock.now()),
        )
        .returning(ImportRun.file_sha256)
    )
    discarded.discard(session, gone.scalars().all())
    session.execute(
        delete(ImportChange).where(among(ImportChange.run_id, ids(keys)))
    )  # names and addresses as they were


register(
    Kind(
        name="import_files",
        label=_l("Imported files"),
        basis=Basis.INTEREST,
        holds=(
            "import_run.file_name",
            "import_run.facts",
            "import_run.faults",
            "import_run.warnings",
            "import_run.questions",
            "import_run.error",
            "import_run.undo_reason",
            "import_change.before",
            "import_change.after",
        ),
        why=_l("What was read can be compared with what was written."),
        counted=_l("from the end of the import"),
        term=Term(12, 1, 24, "months", _l("GDPR art. 5.1.e; the books themselves are kept by the accounting software")),
        due=_old,
        remove=_let_go,
    )
)
