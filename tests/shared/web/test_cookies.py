"""Each door signs its cookie in its own way."""

from __future__ import annotations

import wsgi


def test_a_cookie_of_one_door_is_waste_paper_at_the_other(database, settings, frozen) -> None:
    wsgi.import_jobs()
    portal, backoffice = wsgi.build_portal(settings), wsgi.build_backoffice(settings)
    cookie = portal.session_interface.get_signing_serializer(portal).dumps({"_user_id": "x"})

    assert portal.session_interface.get_signing_serializer(portal).loads(cookie) == {"_user_id": "x"}
    client = backoffice.test_client()
    client.set_cookie("guichet_desk", cookie)
    with client.session_transaction() as read:
        assert dict(read) == {}
