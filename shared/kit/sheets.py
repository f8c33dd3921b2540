"""Templates compiled once for each language, with their words already in them.

Looking a word up while a page is drawn costs ten microseconds, and a page has dozens of words. A template therefore is
compiled once for French and once for English: `{{ _("Pay") }}` is text in the one and other text in the other.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, Template, nodes
from jinja2.visitor import NodeTransformer

from shared.kit import words


class Sheet(Template):
    """A template whose macros are made once.

    Jinja compares the globals of importer and imported at each import, in case they differ. All ours are the
    environment's; a page with some twenty imports spends a tenth of its time on that.
    """

    def _get_default_module(self, ctx: Any = None) -> Any:
        return self._module or super()._get_default_module(ctx)


class Sheets(Environment):
    """An environment that gives each template in the language of the moment."""

    template_class = Sheet
    language: str | None = None
    """None: this environment asks for the language at each template. Set: it is the one of that language."""

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:  # noqa: A002
        """The template, in the language of the moment."""
        speaking = self if self.language else self._in(words.current_language())
        return super(Sheets, speaking).get_template(name, parent, globals)

    def _in(self, language: str) -> Sheets:
        # Made when first asked for: by then the environment is furnished, and this one shares its filters and globals.
        known: dict[str, Sheets] = self.__dict__.setdefault("_languages", {})
        if language not in known:
            known[language] = self.overlay(cache_size=-1)  # all are kept: looking for the least used costs more
            known[language].language = language
        return known[language]

    def _generate(self, source: nodes.Template, name: Any, filename: Any, defer_init: bool = False) -> str:  # noqa: FBT001, FBT002
        if self.language:
            source = _Translator(self.language).visit(source)
        return super()._generate(source, name, filename, defer_init)


class _Translator(NodeTransformer):
    """Puts the words of a language in the place of `_("…")` and `{% trans %}`; plurals stay, they need their number."""

    def __init__(self, language: str) -> None:
        self._catalogue = words.catalogue(language)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the visitor finds it by this name
        self.generic_visit(node)
        is_word = isinstance(node.node, nodes.Name) and node.node.name in {"_", "gettext"}
        if not is_word or len(node.args) != 1 or not isinstance(node.args[0], nodes.Const):
            return node
        text = nodes.MarkSafeIfAutoescape(nodes.Const(self._catalogue.gettext(node.args[0].value)))
        places = nodes.Dict([nodes.Pair(nodes.Const(each.key), each.value) for each in node.kwargs])
        return nodes.Mod(text, places, lineno=node.lineno)
