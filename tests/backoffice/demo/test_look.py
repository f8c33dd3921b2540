"""A demo opens its own databases only."""

from __future__ import annotations

import pytest

from backoffice.demo.look import refuse_foreign
from shared.kit.db import get_engine, transaction
from shared.kit.errors import Refused, Unavailable
from tests.support.people import a_company


def address() -> str:
    return get_engine().url.render_as_string(hide_password=False)


def test_a_database_with_a_company_that_no_demo_made_is_not_opened(database):
    with transaction() as session:
        a_company(session)
    refuse_foreign(address())

    with transaction() as session:
        a_company(session, "durand", trade_name="Durand SA")
    with pytest.raises(Refused, match="holds the company durand, which no demo made"):
        refuse_foreign(address())


def test_a_database_that_does_not_answer_is_said():
    with pytest.raises(Unavailable, match="does not answer"):
        refuse_foreign("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
