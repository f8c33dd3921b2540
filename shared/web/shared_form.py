"""A form of what many may edit: the second person sees what the first one saved, and reverts nothing without knowing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from decimal import Decimal
from typing import Any

from wtforms import FieldList, HiddenField

from shared.kit.words import gettext as _
from shared.web.forms import BaseForm


class _Seen(HiddenField):
    """What stood in the fields when the form was shown: a short digest of each."""

    owner: SharedForm

    def _value(self) -> str:
        return str(self.data) if self.data else self.owner.digests()


class SharedForm(BaseForm):
    """A form that several people may have open at once.

    It carries a digest of each field as it was shown (`form.hidden_tag()` writes it). The view builds the same form from
    what is stored now (`formdata=None`) and asks `met_another`: fields that only a colleague changed take the
    colleague's value, fields that both changed get an error with the colleague's value, and a second sending saves.
    """

    seen = _Seen()

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.seen.owner = self

    def digests(self) -> str:
        """The digests of all fields, for the page."""
        return base64.urlsafe_b64encode(json.dumps(self._digests()).encode()).decode()

    def met_another(self, stored: SharedForm) -> bool:
        """Whether a colleague saved something else meanwhile than what is typed here; says so beside each such field."""
        now, has_met = stored._digests(), False
        for name, was in _read(self.seen.data).items():
            if name not in now or now[name] == was:
                continue
            field, theirs = self[name], stored[name]
            mine = _digest(field.data)
            if mine == was and not isinstance(field, FieldList):
                field.data, field.raw_data = theirs.data, None
            elif mine != now[name]:
                field.errors = [_said(theirs)]
                has_met = True
        if has_met:
            self.seen.data = stored.digests()
        return has_met

    def _digests(self) -> dict[str, str]:
        return {
            field.short_name: _digest(field.data) for field in self if field.short_name not in ("csrf_token", "seen")
        }


def _said(theirs: Any) -> str:
    if isinstance(theirs, FieldList):
        return _("A colleague has saved other rows meanwhile. Send again to replace them by these.")
    shown = theirs._value() if hasattr(theirs, "_value") and not isinstance(theirs.data, bool) else theirs.data  # noqa: SLF001
    value = next((each[1] for each in _pairs(theirs) if each[0] == theirs.data), shown)
    if isinstance(value, bool):
        value = _("yes") if value else _("no")
    return _("A colleague has saved meanwhile: %(value)s. Send again to replace it by yours.", value=value or "–")


def _pairs(field: Any) -> list[Any]:
    """Value and word of each choice; none for fields that are typed."""
    choices: Any = getattr(field, "choices", None)
    return [(each[0], each[1]) for each in choices] if isinstance(choices, list) else []


def _digest(value: Any) -> str:
    return hashlib.sha256(_plain(value).encode()).hexdigest()[:12]


def _plain(value: Any) -> str:
    """A value as text, the same whether it was typed or stored."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, list):
        return json.dumps([_plain(each) for each in value])
    if isinstance(value, dict):
        return json.dumps({name: _plain(each) for name, each in sorted(value.items())})
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


def _read(sent: Any) -> dict[str, str]:
    try:
        found = json.loads(base64.urlsafe_b64decode(str(sent or "")))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return {str(name): str(each) for name, each in found.items()} if isinstance(found, dict) else {}
