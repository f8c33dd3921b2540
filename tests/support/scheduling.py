"""How tests are dealt to the workers of `make test`."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

LONGEST = "tests/journeys/test_accessibility.py"


class ByFile(LoadScopeScheduling):
    """A file is one piece of work. So are the journeys, which share a demo family that takes a while to start, but for the
    longest of them, which goes beside the others."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "tests/journeys" if path.startswith("tests/journeys/") and path != LONGEST else path
