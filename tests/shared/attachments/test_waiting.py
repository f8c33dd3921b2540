"""Files of forms that are not sent yet: apart, and swept after a day; never while a form could name them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.attachments import waiting
from shared.attachments.jobs import sweep
from shared.kit import clock, files
from shared.kit.errors import NotFound


def test_a_file_of_a_form_waits_apart_from_what_is_kept(settings, frozen) -> None:
    day, digest = waiting.put(b"a broken chair")

    assert waiting.get(day, digest) == b"a broken chair"
    with pytest.raises(NotFound):
        files.get_store().get(digest)


def test_what_is_never_sent_is_swept_and_what_is_kept_stays(settings, frozen) -> None:
    kept = files.get_store().put(b"kept").sha256
    place = waiting.put(b"kept")
    for hours, is_there in ((6, True), (14, True), (24, False)):
        frozen.advance(hours=hours)
        sweep({})
        sweep({})
        if is_there:
            assert waiting.get(*place) == b"kept"
        else:
            with pytest.raises(NotFound):
                waiting.get(*place)
    assert files.get_store().get(kept) == b"kept"


def test_a_form_of_the_last_hours_never_loses_a_file_to_a_sweep(settings, frozen) -> None:
    """A form lives six hours: at whatever hour its file was put aside, it is there as long as the form can be sent."""
    for hour in range(48):
        place = waiting.put(f"file {hour}".encode())
        before = clock.now()
        for _ in range(6):
            frozen.advance(hours=1)
            sweep({})
            assert waiting.get(*place)
        frozen.advance(hours=-5)
        assert clock.now() - before == timedelta(hours=1)


def test_what_is_no_day_is_refused_and_left_alone(settings, frozen) -> None:
    stranger = files.get_store().root / waiting.FOLDER / "notes"
    stranger.mkdir(parents=True, exist_ok=True)
    frozen.advance(days=30)
    sweep({})

    assert stranger.is_dir()
    with pytest.raises(ValueError, match="isoformat"):
        waiting.get("../../etc", "0" * 64)
