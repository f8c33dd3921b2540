"""docs/map.md names every room, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STOREYS = ("shared", "payments", "portal", "backoffice")
FOLDERS_WITHOUT_CODE = {"shared/migrations", "shared/translations"}


def rooms() -> set[str]:
    """Every package right below a storey."""
    return {
        path.parent.relative_to(ROOT).as_posix() for storey in STOREYS for path in (ROOT / storey).glob("*/__init__.py")
    }


def test_the_map_names_every_room_and_no_other() -> None:
    text = (ROOT / "docs/map.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `((?:shared|payments|portal|backoffice)/\w+)/` \|", text, re.MULTILINE))

    assert named == rooms() | FOLDERS_WITHOUT_CODE


def test_every_room_says_what_it_is() -> None:
    silent = [
        room for room in rooms() if not (ROOT / room / "__init__.py").read_text(encoding="utf-8").startswith('"""')
    ]

    assert silent == []


def test_every_link_of_the_papers_leads_somewhere() -> None:
    papers = (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))
    links = [
        (paper, target)
        for paper in papers
        for target in re.findall(r"\]\(([^)#]+)", paper.read_text(encoding="utf-8"))
        if "://" not in target
    ]

    assert links
    assert [f"{paper.name}: {target}" for paper, target in links if not (paper.parent / target).exists()] == []


def test_decisions_are_numbered_in_one_line() -> None:
    papers = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))

    assert [int(path.name[:4]) for path in papers] == list(range(1, len(papers) + 1))
    for path in papers:
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}. ")
