"""Requests as Stripe reads them: nested form fields, checked against the parameter types the SDK publishes.

An unknown field, a missing one, a word outside an enumeration: each is refused as Stripe refuses it, so that a request
which passes here names only what the real API knows.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import is_typeddict

from payments.twins.stripe_twin.errors import StripeRefusal

_PATH = re.compile(r"([^\[\]]+)|\[([^\[\]]*)\]")


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`line_items[0][quantity]=1` → `{"line_items": {"0": {"quantity": "1"}}}`; `a[]=x` counts up."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        steps = [first or inner for first, inner in _PATH.findall(name)]
        here = root
        for step in steps[:-1]:
            deeper = here.setdefault(step or str(len(here)), {})
            if not isinstance(deeper, dict):
                raise StripeRefusal.invalid(f"Invalid parameter: {name}", param=name)
            here = deeper
        last = steps[-1] if steps else name
        here[last or str(len(here))] = value
    return root


@cache
def _fields(schema: type) -> tuple[dict[str, Any], frozenset[str]]:
    options = set(RequestOptions.__annotations__)
    own = {name: hint for name, hint in schema.__annotations__.items() if name not in options}
    # A bare class with the same annotations: those of RequestOptions name types that exist for type checkers only.
    bare = type(schema.__name__, (), {"__annotations__": own, "__module__": schema.__module__})
    scope = vars(sys.modules[schema.__module__]) | {"UntypedStripeObject": UntypedStripeObject}
    required: frozenset[str] = getattr(schema, "__required_keys__", frozenset())
    return get_type_hints(bare, globalns=scope), required - options


def read(schema: type, raw: dict[str, Any], at: str = "") -> dict[str, Any]:
    """Check and convert fields by one of the SDK's parameter types (`SessionCreateParams`, …)."""
    fields, required = _fields(schema)
    for name in raw:
        if name not in fields:
            raise StripeRefusal.unknown_parameter(_join(at, name))
    for name in sorted(required):
        if name not in raw:
            raise StripeRefusal.missing_parameter(_join(at, name))
    return {name: _value(fields[name], value, _join(at, name)) for name, value in raw.items()}


def _join(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name


def _value(hint: Any, raw: Any, at: str) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _one_of(parts, raw, at)
    if origin is Literal:
        return _word(parts, raw, at)
    if origin is list:
        return _list(parts[0], raw, at)
    if origin in {dict, UntypedStripeObject}:
        return _mapping(raw, at)
    return _object(hint, raw, at) if is_typeddict(hint) else _scalar(hint, raw, at)


def _object(hint: Any, raw: Any, at: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise StripeRefusal.invalid(f"Invalid object: {at}", param=at)
    return read(hint, raw, at)


def _one_of(hints: tuple[Any, ...], raw: Any, at: str) -> Any:
    if isinstance(raw, dict):
        for hint in hints:
            if is_typeddict(hint) or get_origin(hint) in {dict, list, UntypedStripeObject}:
                return _value(hint, raw, at)
    words = [word for hint in hints if get_origin(hint) is Literal for word in get_args(hint)]
    others = [hint for hint in hints if get_origin(hint) is not Literal and hint is not type(None)]
    if words and (raw in words or others == [str]):
        return _word(tuple(words), raw, at)
    scalars = [
        hint for hint in others if not (is_typeddict(hint) or get_origin(hint) in {dict, list, UntypedStripeObject})
    ]
    return _value((scalars or others)[0], raw, at)


def _word(words: tuple[Any, ...], raw: Any, at: str) -> Any:
    if raw not in words:
        raise StripeRefusal.invalid(f"Invalid {at}: must be one of {', '.join(map(str, words))}", param=at)
    return raw


def _list(hint: Any, raw: Any, at: str) -> list[Any]:
    if not isinstance(raw, dict):
        raise StripeRefusal.invalid("Invalid array", param=at)
    return [_value(hint, value, f"{at}[{index}]") for index, value in enumerate(raw.values())]


def _mapping(raw: Any, at: str) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise StripeRefusal.invalid("Invalid hash", param=at)
    if len(raw) > 50:
        raise StripeRefusal.invalid("Metadata can have up to 50 keys.", param=at)
    for key, value in raw.items():
        if not isinstance(value, str):
            raise StripeRefusal.invalid("Metadata values must be strings", param=f"{at}[{key}]")
        if len(key) > 40 or len(value) > 500:
            raise StripeRefusal.invalid(
                "Metadata keys can have up to 40 characters and values up to 500.", param=f"{at}[{key}]"
            )
    return dict(raw)


def _scalar(hint: Any, raw: Any, at: str) -> Any:
    if not isinstance(raw, str):
        raise StripeRefusal.invalid(f"Invalid value: {at}", param=at)
    if hint is int:
        if not re.fullmatch(r"-?\d{1,15}", raw):
            raise StripeRefusal.invalid(f"Invalid integer: {raw}", param=at, code="parameter_invalid_integer")
        return int(raw)
    if hint is bool:
        if raw not in {"true", "false"}:
            raise StripeRefusal.invalid(f"Invalid boolean: {raw}", param=at)
        return raw == "true"
    if hint is Decimal:
        try:
            Decimal(raw)
        except InvalidOperation:
            raise StripeRefusal.invalid(f"Invalid decimal: {raw}", param=at) from None
    return raw
