"""The file around the invoice: PDF/A-3b that carries the XML as Factur-X asks."""

from __future__ import annotations

import io

import pikepdf
import pytest
from lxml import etree

from shared.documents import facturx, render
from shared.documents.facts import Brand
from tests.support import papers

NS = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "fx": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaProperty": "http://www.aiim.org/pdfa/ns/property#",
}


@pytest.fixture(scope="module")
def made() -> render.Paper:
    return render.invoice(papers.invoice(), Brand(accent="#7a1f5f"))


@pytest.fixture
def document(made):
    with pikepdf.open(io.BytesIO(made.content)) as opened:
        yield opened


@pytest.fixture
def xmp(document):
    return etree.fromstring(document.Root.Metadata.read_bytes())


def test_the_invoice_is_electronic_and_named_by_its_number(made):
    assert made.is_electronic
    assert made.name == "Facture F-2026-0143.pdf"
    assert made.media_type == "application/pdf"


def test_the_attached_xml_is_the_invoice(document):
    assert list(document.attachments) == ["factur-x.xml"]

    content = document.attachments["factur-x.xml"].get_file().read_bytes()

    assert content == facturx.xml(papers.invoice())


def test_the_library_finds_and_validates_the_xml(made):
    import facturx as library

    name, content = library.get_facturx_xml_from_pdf(made.content)

    assert name == "factur-x.xml"
    assert library.xml_check_xsd(content, flavor="factur-x", level="en16931")


def test_there_is_one_associated_file_with_its_relationship(document):
    assert len(document.Root.AF) == 1
    entry = document.Root.AF[0]
    assert entry.AFRelationship == "/Data"
    assert entry.UF == entry.F == "factur-x.xml"
    assert entry.EF.F.Subtype == "/text/xml"
    assert entry.EF.F.Params.ModDate == "D:20260314000000Z"
    names = document.Root.Names.EmbeddedFiles.Names
    assert len(names) == 2
    assert names[1].objgen == entry.objgen


def test_the_metadata_says_pdf_a_3b_and_factur_x_in_one_rdf_block(xmp):
    assert len(xmp.findall(".//rdf:RDF", NS)) == 1
    about = {key: value for description in xmp.iterfind(".//rdf:Description", NS) for key, value in description.items()}
    assert about[f"{{{NS['pdfaid']}}}part"] == "3"
    assert about[f"{{{NS['pdfaid']}}}conformance"] == "B"
    assert xmp.findtext(".//fx:DocumentType", namespaces=NS) == "INVOICE"
    assert xmp.findtext(".//fx:DocumentFileName", namespaces=NS) == "factur-x.xml"
    assert xmp.findtext(".//fx:ConformanceLevel", namespaces=NS) == "EN 16931"
    assert xmp.findtext(".//fx:Version", namespaces=NS) == "1.0"


def test_the_fx_properties_are_explained_by_an_extension_schema(xmp):
    assert xmp.findtext(".//pdfaSchema:namespaceURI", namespaces=NS) == NS["fx"]
    explained = {found.text for found in xmp.iterfind(".//pdfaProperty:name", NS)}
    assert explained == {"DocumentFileName", "DocumentType", "Version", "ConformanceLevel"}


def test_metadata_and_information_agree(document, xmp):
    dc = "{http://purl.org/dc/elements/1.1/}"
    title = xmp.find(f".//{dc}title")
    assert "".join(title.itertext()).strip() == str(document.docinfo["/Title"]) == "Facture F-2026-0143"


def test_the_archive_has_identity_colour_and_language(document):
    assert len(document.trailer.ID) == 2
    assert len(document.Root.OutputIntents) == 1
    assert document.Root.OutputIntents[0].S == "/GTS_PDFA1"
    assert document.Root.OutputIntents[0].DestOutputProfile.read_bytes()[36:40] == b"acsp"
    assert document.Root.Lang == "fr"
    assert document.pdf_version == "1.7"
    assert not document.is_encrypted


def test_nothing_runs_and_nothing_is_left_outside(document):
    forbidden = {"/JavaScript", "/JS", "/Launch", "/OpenAction", "/AA", "/RichMedia"}
    for found in document.objects:
        if isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
            assert not forbidden & set(found.keys())
    fonts = [f for f in document.objects if isinstance(f, pikepdf.Dictionary) and f.get("/Type") == "/FontDescriptor"]
    assert fonts
    assert all("/FontFile2" in font or "/FontFile3" in font for font in fonts)


def test_the_same_facts_give_the_same_bytes(made):
    assert render.invoice(papers.invoice(), Brand(accent="#7a1f5f")).content == made.content


@pytest.mark.parametrize(
    "make", [render.statement, render.receipt, render.mandate], ids=["statement", "receipt", "mandate"]
)
def test_other_papers_are_archives_too_without_attachments(make):
    facts = {"statement": papers.statement(), "receipt": papers.receipt(), "mandate": papers.mandate()}[make.__name__]

    with pikepdf.open(io.BytesIO(make(facts).content)) as document:
        assert len(document.attachments) == 0
        assert b'pdfaid:part="3"' in document.Root.Metadata.read_bytes()
