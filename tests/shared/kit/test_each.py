"""One that fails never stops its neighbours, and is not forgotten for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.kit.each import act_on_each
from shared.kit.errors import Unavailable


def acting(heard: list[int], **failures: Exception) -> Callable[[int], None]:
    def act(number: int) -> None:
        heard.append(number)
        if failure := failures.get(f"n{number}"):
            raise failure

    return act


def test_the_others_have_their_turn_and_the_failure_is_raised_at_the_end():
    heard: list[int] = []

    with pytest.raises(ZeroDivisionError, match="odd"):
        act_on_each([1, 2, 3], acting(heard, n1=ZeroDivisionError("odd")))

    assert heard == [1, 2, 3]


def test_an_error_is_more_than_somebodys_silence():
    with pytest.raises(ZeroDivisionError):
        act_on_each([1, 2], acting([], n1=Unavailable("x.silent", "silent"), n2=ZeroDivisionError()))


def test_patience_ends_after_so_many_silences_in_a_row_and_never_after_those_apart():
    silent = Unavailable("x.silent", "silent")
    in_a_row: list[int] = []
    apart: list[int] = []

    with pytest.raises(Unavailable):
        act_on_each(range(1, 6), acting(in_a_row, n1=silent, n2=silent), patience=2)
    with pytest.raises(Unavailable):
        act_on_each(range(1, 6), acting(apart, n1=silent, n3=silent), patience=2)

    assert (in_a_row, apart) == ([1, 2], [1, 2, 3, 4, 5])


def test_nothing_is_raised_when_all_went_well():
    heard: list[int] = []

    act_on_each(iter([1, 2]), acting(heard))

    assert heard == [1, 2]
