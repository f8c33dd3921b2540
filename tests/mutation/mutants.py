"""The mutants of a module, and those of them that are named as equivalent."""

from __future__ import annotations

import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.ast.ast_query import ASTQuery
from cosmic_ray.mutating import mutate_code
from cosmic_ray.work_item import MutationSpec, WorkItem

from tests.mutation.operators import all_operators

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
NAMESPACE = uuid.UUID("5f0c8b1e-6a0f-4b57-9a5c-0d2f6c1f7a11")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module; `before` and `after` are the lines that differ, in one line each."""

    item: WorkItem
    source: str
    before: str
    after: str
    lines: tuple[int, ...]

    @property
    def module(self) -> str:
        return str(self.item.mutations[0].module_path)

    @property
    def line(self) -> int:
        return self.item.mutations[0].start_pos[0]

    @property
    def where(self) -> str:
        spec = self.item.mutations[0]
        return f"{spec.module_path}:{self.line} {spec.definition_name or ''}".strip()


def mutants_of(module: str) -> list[Mutant]:
    """All mutants of a module (a path in the repository), each text once, in the order of its lines."""
    source = (REPOSITORY / module).read_text()
    tree = get_ast(source)
    operators = all_operators()
    met = dict.fromkeys(operators, 0)
    made: dict[str, Mutant] = {}
    begin = 0
    for (
        part
    ) in tree.children:  # one statement of the module at a time: the rest need not be parsed again for each mutant
        code = part.get_code()
        nodes = list(ast_nodes(part))
        for name, operator in operators.items():
            places = [(node, *position) for node in nodes for position in operator.mutation_positions(node)]
            for here, (node, start, end) in enumerate(places):
                occurrence = met[name] + here
                changed = None if _says_nothing(node, name) else mutate_code(code, operator, here)
                text = source[:begin] + (changed or code) + source[begin + len(code) :]
                if text == source or text in made or not _compiles(text):
                    continue
                spec = MutationSpec(
                    module_path=Path(module),
                    operator_name=name,
                    occurrence=occurrence,
                    start_pos=start,
                    end_pos=end,
                    definition_name=ASTQuery(node).get_definition_name(),
                )
                before, after = _differing(source, text)
                job = uuid.uuid5(NAMESPACE, f"{module} {name} {occurrence} {before} {after}").hex
                made[text] = Mutant(WorkItem.single(job, spec), text, before, after, _statement_lines(node, end))
            met[name] += len(places)
        begin += len(code)
    return sorted(made.values(), key=place)


def place(mutant: Mutant) -> tuple[object, ...]:
    """Where a mutant stands among those of its module."""
    spec = mutant.item.mutations[0]
    return (spec.start_pos, spec.operator_name, spec.occurrence)


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _says_nothing(node: Any, name: str) -> bool:
    """Annotations do nothing, and how a class is frozen or slotted is no behaviour of ours."""
    if name == "core/RemoveDecorator":
        return "dataclass" in node.get_code()
    while node is not None:
        if node.type in {"annassign", "tfpdef", "decorator", "import_from", "import_name"}:
            return node.type != "annassign" or "=" not in [getattr(child, "value", "") for child in node.children]
        above = node.parent
        if above is not None and above.type == "annassign" and node is above.children[1]:
            return True
        if above is not None and above.type == "funcdef" and above.annotation is node:
            return True
        if above is not None and above.type == "param" and above.annotation is node:
            return True
        node = above
    return False


def _statement_lines(node: Any, end: tuple[int, int]) -> tuple[int, ...]:
    """The lines of the statement that the node stands in, its body left out."""
    holder = node
    while holder.parent is not None and holder.parent.type not in {"suite", "file_input"}:
        holder = holder.parent
    body = next((child for child in getattr(holder, "children", ()) if child.type == "suite"), None)
    last = (
        body.start_pos[0]
        if body is not None and node is not holder and end[0] <= body.start_pos[0]
        else holder.end_pos[0]
    )
    if holder.type in {"if_stmt", "try_stmt", "for_stmt", "while_stmt", "with_stmt", "funcdef", "classdef"}:
        return tuple(range(node.start_pos[0], max(end[0], node.start_pos[0]) + 1)) if node is not holder else (end[0],)
    return tuple(range(holder.start_pos[0], max(last, end[0]) + 1))


def _differing(source: str, text: str) -> tuple[str, str]:
    before, after = source.splitlines(), text.splitlines()
    first = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    common = 0
    while common < min(len(before), len(after)) - first and before[-1 - common] == after[-1 - common]:
        common += 1
    return tuple(" ".join(" ".join(lines[first : len(lines) - common]).split()) for lines in (before, after))


@dataclass(slots=True)
class Equivalent:
    """A mutant that nobody can tell from the original, and why."""

    module: str
    before: str
    after: str
    why: str
    within: str = ""
    """The function it stands in, where others have the same lines."""
    seen: bool = False


class Equivalents:
    """The list of `equivalent.toml`."""

    def __init__(self) -> None:
        rows = tomllib.loads((HERE / "equivalent.toml").read_text()).get("mutant", [])
        self.rows = [Equivalent(**row) for row in rows]

    def find(self, mutant: Mutant) -> Equivalent | None:
        for row in self.rows:
            inside = row.within in ("", mutant.item.mutations[0].definition_name)
            if inside and (row.module, row.before, row.after) == (mutant.module, mutant.before, mutant.after):
                row.seen = True
                return row
        return None
