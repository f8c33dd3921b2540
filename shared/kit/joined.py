"""Portions of one long paper to one file: still an archive (PDF/A), still tagged, its pages numbered throughout.

The memory and the time of a page layout grow with its length, so what is long is laid out in portions. How many pages there are in
all is known at the end: numbers are laid over the pages then.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a web process joins nothing: the library is loaded where a long paper is finished
    from pikepdf import Page, Pdf

_NUMBER = "/GuichetPageNumber"


def count_pages(portion: bytes) -> int:
    """How many pages a PDF has."""
    from pikepdf import Pdf

    with Pdf.open(io.BytesIO(portion)) as opened:
        return len(opened.pages)


def join(portions: Sequence[bytes], numbers: bytes) -> bytes:
    """One PDF of the portions, in their order; the first one's title, metadata, language and colours are the whole's.

    `numbers` has as many pages as all of them together, and nothing on them but their number. The same bytes in give the same out.
    """
    from pikepdf import ObjectStreamMode, Pdf

    made = io.BytesIO()
    with Pdf.open(io.BytesIO(portions[0])) as whole, Pdf.open(io.BytesIO(numbers)) as numbered:
        for portion in portions[1:]:
            with Pdf.open(io.BytesIO(portion)) as opened:
                _append(whole, opened)
        for page, number in zip(whole.pages, numbered.pages, strict=True):
            _lay_over(whole, page, number)
        whole.save(made, object_stream_mode=ObjectStreamMode.generate, deterministic_id=True)
    return made.getvalue()


def _append(whole: Pdf, portion: Pdf) -> None:
    """Add the pages, and their tags to the tree of tags: each page keeps its own, found by its new number."""
    before = len(whole.pages)
    whole.pages.extend(portion.pages)
    for added in list(whole.pages)[before:]:
        added.obj.StructParents = int(added.obj.StructParents) + before
    ours, theirs = whole.Root.StructTreeRoot, whole.copy_foreign(portion.Root.StructTreeRoot)
    by_page: Any = theirs.ParentTree.Nums
    for place, entry in enumerate(by_page):
        ours.ParentTree.Nums.append(int(entry) + before if place % 2 == 0 else entry)
    elements: Any = theirs.K
    for element in elements:
        element.P = ours
        ours.K.append(element)


def _lay_over(whole: Pdf, page: Page, number: Page) -> None:
    """Show a page's number as a form: its letters keep their own font, and who reads aloud leaves it out."""
    from pikepdf import Array, Dictionary

    form = whole.copy_foreign(number.as_form_xobject())
    shared: Any = page.obj.Resources
    resources, drawn = Dictionary(shared), Dictionary(shared.get("/XObject", {}))
    drawn[_NUMBER] = form
    resources.XObject = drawn
    page.obj.Resources = resources
    before, after = whole.make_stream(b"q\n"), whole.make_stream(f"\nQ\n/Artifact BMC\n{_NUMBER} Do\nEMC\n".encode())
    page.obj.Contents = Array([before, page.obj.Contents, after])
