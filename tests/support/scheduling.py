"""How tests are dealt to the workers of `make test`."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling


class ByFile(LoadScopeScheduling):
    """A file is one piece of work, and so is the folder of journeys: its one demo family takes a while to start."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "tests/journeys" if path.startswith("tests/journeys/") else path
