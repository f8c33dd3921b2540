from __future__ import annotations

from backoffice.disputes.rules import needs_second_person


def test_the_limit_itself_needs_nobody_else() -> None:
    assert needs_second_person(5_001, limit_minor=5_000)
    assert not needs_second_person(5_000, limit_minor=5_000)
    assert needs_second_person(1, limit_minor=0)
