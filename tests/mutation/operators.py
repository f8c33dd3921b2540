"""What is done to the code to make a mutant: those operators of cosmic-ray that say something here, and some of our own.

Its own are many (each comparison becomes each other one); kept are the neighbours: a boundary moved by one, and the
contrary. What it lacks is what goes wrong most with money: a guard left out, a clause left out, a write left out, a
filter or an order of a query left out, another topic.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import parso
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator

Position = tuple[tuple[int, int], tuple[int, int]]

CORE = tuple(
    f"core/{name}"
    for name in (
        *("ReplaceComparisonOperator_" + pair for pair in ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE")),
        *(
            "ReplaceComparisonOperator_" + pair
            for pair in ("GtE_Gt", "GtE_Lt", "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")
        ),
        *(
            "ReplaceBinaryOperator_" + pair
            for pair in ("Add_Sub", "Sub_Add", "Mul_FloorDiv", "FloorDiv_Mul", "Div_Mul")
        ),
        *("ReplaceBinaryOperator_" + pair for pair in ("Mod_FloorDiv", "Pow_Mul", "BitOr_BitAnd", "BitAnd_BitOr")),
        "ReplaceUnaryOperator_Delete_Not",
        "ReplaceUnaryOperator_Delete_USub",
        "ReplaceUnaryOperator_Delete_Invert",
        "ReplaceTrueWithFalse",
        "ReplaceFalseWithTrue",
        "ReplaceAndWithOr",
        "ReplaceOrWithAnd",
        "ReplaceBreakWithContinue",
        "ReplaceContinueWithBreak",
        "ExceptionReplacer",
        "NumberReplacer",
        "RemoveDecorator",
        "ZeroIterationForLoop",
    )
)

WORDS = {"_", "gettext", "ngettext", "pgettext", "lazy_gettext", "lazy"}
"""Calls whose strings are texts for people: pages and catalogues are tested elsewhere."""

OTHERS = {"min": "max", "max": "min", "any": "all", "all": "any", "reversed": "list"}

LINKS = {"where", "order_by", "having", "distinct", "limit", "filter"}
"""Links of a query that may be left out. Locks are not among them: only races see those (`make torture`)."""


class _Own(Operator):
    """Ours: says what may be changed as positions and changes, `index` being the number of the change in the node."""

    @abstractmethod
    def changes(self, node: Any) -> list[Any]:
        """Each position in this node that may be changed, with its change."""

    def mutation_positions(self, node: Any) -> Iterator[Position]:
        for target, _change in self.changes(node):
            yield (target.start_pos, target.end_pos)

    def mutate(self, node: Any, index: int) -> Any:
        _target, change = self.changes(node)[index]
        changed = change()
        return node if changed is None else changed

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ()


def _put(holder: Any, place: int, code: str) -> None:
    """Put code in the place of a child, with the space before it."""
    made = parso.parse(code).children[0]
    made.get_first_leaf().prefix = holder.children[place].get_first_leaf().prefix
    holder.children[place] = made


class ForceCondition(_Own):
    """A guard that always holds, or never."""

    def changes(self, node: Any) -> list[Any]:
        if node.type == "if_stmt":
            places = [
                place + 1
                for place, child in enumerate(node.children)
                if child.type == "keyword" and child.value in {"if", "elif"}
            ]
        elif node.type == "ternary" or (node.type == "test" and len(node.children) == 5):
            places = [2]
        elif node.type in {"comp_if", "sync_comp_if"}:
            places = [1]
        else:
            return []
        return [
            (node.children[place], lambda place=place, to=to: _put(node, place, to))
            for place in places
            for to in ("True", "False")
        ]


class DropClause(_Own):
    """One clause of several left out: of `and`, of `or`, of the conditions of a query."""

    def changes(self, node: Any) -> list[Any]:
        if node.type in {"and_test", "or_test"} or (node.type == "arglist" and _called(node) == "where"):
            return [
                (node.children[place], lambda place=place: _leave_out(node, place))
                for place in range(0, len(node.children), 2)
            ]
        return []


def _called(arguments: Any) -> str | None:
    """The name of what is called with these arguments, when it is an attribute."""
    trailer = arguments.parent
    before = trailer.get_previous_sibling() if trailer is not None and trailer.type == "trailer" else None
    return (
        before.children[-1].value
        if before is not None and before.type == "trailer" and before.children[0] == "."
        else None
    )


def _leave_out(node: Any, place: int) -> None:
    prefix = node.get_first_leaf().prefix
    if place == 0:
        del node.children[0:2]
        node.get_first_leaf().prefix = prefix
    else:
        del node.children[place - 1 : place + 1]


class DropStatement(_Own):
    """A call, a raise, or a change of something that was there already, left out."""

    def changes(self, node: Any) -> list[Any]:
        if node.type != "simple_stmt" or parso.python.tree.search_ancestor(node, "funcdef") is None:
            return []
        statement = node.children[0]
        writes = statement.type == "expr_stmt" and (
            (statement.children[1].type == "operator" and statement.children[1].value != "=")
            or (statement.children[1].type == "operator" and statement.children[0].type in {"atom_expr", "power"})
        )
        if writes or statement.type in {"atom_expr", "power", "raise_stmt", "del_stmt"}:
            return [(statement, lambda: _put(node, 0, "pass"))]
        return []


class DropLink(_Own):
    """A filter or an order of a query left out."""

    def changes(self, node: Any) -> list[Any]:
        if node.type not in {"atom_expr", "power"}:
            return []
        return [
            (child, lambda place=place: _cut(node, place))
            for place, child in enumerate(node.children[:-1])
            if child.type == "trailer"
            and child.children[0] == "."
            and child.children[1].value in LINKS
            and node.children[place + 1].type == "trailer"
            and node.children[place + 1].children[0] == "("
        ]


def _cut(node: Any, place: int) -> None:
    del node.children[place : place + 2]


class ReplaceString(_Own):
    """Another word: a topic, a key, a name of a reason. Texts for people are left alone."""

    def changes(self, node: Any) -> list[Any]:
        if node.type != "string" or node.parent.type in {"simple_stmt", "strings"} or _is_for_people(node):
            return []
        return [(node, lambda: _other_word(node))]


def _is_for_people(node: Any) -> bool:
    holder = node.parent
    while holder is not None and holder.type in {"arglist", "argument", "trailer", "strings", "atom"}:
        if holder.type == "trailer" and holder.children[0] == "(":
            called = holder.get_previous_sibling()
            name = called.children[-1] if called.type == "trailer" else called
            if getattr(name, "value", None) in WORDS:
                return True
        holder = holder.parent
    return False


def _other_word(node: Any) -> None:
    quote = node.value.find(node.value[-1])
    node.value = node.value[: quote + 1] + "XX" + node.value[quote + 1 :]


class SwapFunction(_Own):
    """The other end of an order: min and max, any and all, forwards and backwards."""

    def changes(self, node: Any) -> list[Any]:
        after = node.get_next_sibling() if node.type == "name" and node.value in OTHERS else None
        if after is None or after.type != "trailer" or after.children[0] != "(" or node.parent.children[0] is not node:
            return []
        return [(node, lambda: setattr(node, "value", OTHERS[node.value]))]


class ReverseOrder(_Own):
    """What was put in order, from its other end."""

    def changes(self, node: Any) -> list[Any]:
        if node.type not in {"atom_expr", "power"} or getattr(node.children[0], "value", None) != "sorted":
            return []
        closing = node.children[1].children[-1]
        return [(node, lambda: setattr(closing, "value", ")[::-1]"))]


class SwapMembership(_Own):
    """In, and not in."""

    def changes(self, node: Any) -> list[Any]:
        if node.type != "comparison":
            return []
        return [
            (child, lambda place=place, child=child: _put(node, place, "in" if child.type == "comp_op" else "not in"))
            for place, child in enumerate(node.children)
            if child.get_code().split() in (["in"], ["not", "in"])
        ]


OWN: dict[str, type[Operator]] = {
    f"own/{operator.__name__}": operator
    for operator in (
        ForceCondition,
        DropClause,
        DropStatement,
        DropLink,
        ReplaceString,
        ReverseOrder,
        SwapFunction,
        SwapMembership,
    )
}


def all_operators() -> dict[str, Operator]:
    """Each by its name."""
    return {name: get_operator(name)() for name in CORE} | {name: operator() for name, operator in OWN.items()}
