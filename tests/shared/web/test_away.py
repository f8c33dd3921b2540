"""What a page says when the database is away or the disk is full: the truth, in both languages, with its own status."""

from __future__ import annotations

import pytest

from shared.kit.db import get_engine, make_engine, use_engine
from tests.support.doors import desk_door, portal_door


@pytest.fixture
def without_database(database):
    engine = get_engine()
    nowhere = make_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    use_engine(nowhere)
    yield
    nowhere.dispose()
    use_engine(engine)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", "Guichet n’a pas accès à ses données pour le moment."),
        ("en", "Guichet cannot reach its data at the moment."),
    ],
)
@pytest.mark.parametrize("door", [portal_door, desk_door])
def test_a_database_that_is_away_is_said_with_503_in_the_readers_language(
    settings, without_database, door, language, words
):
    client = door(settings).test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "somebody"
    answer = client.get("/", headers={"Accept-Language": language})
    assert answer.status_code == 503
    assert words in answer.text
    assert answer.headers["Retry-After"] == "30"
    assert "Traceback" not in answer.text


def test_a_webhook_while_the_database_is_away_is_not_acknowledged(settings, without_database):
    client = portal_door(settings).test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
