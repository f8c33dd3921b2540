import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.imports.columns import Role, by_hand, missing, recognise, signature
from backoffice.imports.faults import Findings


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("N° facture", Role.NUMBER), ("Numéro de facture", Role.NUMBER), ("n_facture", Role.NUMBER),
        ("Invoice no.", Role.NUMBER), ("invoiceNumber", Role.NUMBER), ("INVOICE NUMBER", Role.NUMBER),
        ("Client", Role.DEBTOR_NAME), ("Raison sociale", Role.DEBTOR_NAME), ("Customer name", Role.DEBTOR_NAME),
        ("Code client", Role.DEBTOR_CODE), ("customerID", Role.DEBTOR_CODE), ("Compte auxiliaire", Role.DEBTOR_CODE),
        ("Échéance", Role.DUE_ON), ("Date d'échéance", Role.DUE_ON), ("Due date", Role.DUE_ON), ("DueDate", Role.DUE_ON),
        ("Montant TTC", Role.TOTAL), ("Montant TTC (EUR)", Role.TOTAL), ("InvoiceAmount", Role.TOTAL),
        ("Reste dû", Role.OPEN), ("Reste à payer", Role.OPEN), ("Outstanding amount", Role.OPEN),
        ("Réglé le", Role.SETTLED_ON), ("Settled date", Role.SETTLED_ON), ("Date de règlement", Role.SETTLED_ON),
        ("E-mail", Role.EMAIL), ("Courriel", Role.EMAIL), ("Adresse e-mail", Role.EMAIL),
        ("SIREN", Role.SIREN), ("N° TVA intracommunautaire", Role.VAT_NUMBER), ("IBAN", Role.IBAN),
        ("Langue", Role.LANGUAGE), ("PO number", Role.PO_NUMBER), ("Bon de commande", Role.PO_NUMBER),
        ("Devise", Role.CURRENCY), ("Currency", Role.CURRENCY), ("Montant HT", Role.NET), ("TVA", Role.VAT),
        ("Date de facture", Role.ISSUED_ON), ("Invoice date", Role.ISSUED_ON), ("Date", Role.ISSUED_ON),
        ("En litige", Role.DISPUTED), ("Conditions de paiement", Role.TERMS), ("Code postal", Role.POSTCODE),
    ],
)  # fmt: skip
def test_a_heading_is_recognised(name, role):
    assert recognise([name]).places == {role: 0}


@pytest.mark.parametrize("name", ["DaysToSettle", "PaperlessDate", "", "???", "Remarque interne du service", "x" * 500])
def test_an_unknown_heading_stays_unmapped(name):
    found = recognise([name])

    assert found.places == {}
    assert found.unmapped == ((name,) if name else ())


def test_the_better_heading_wins_where_two_claim_one_role():
    found = recognise(["Montant", "Montant TTC", "Date", "Date facture", "Nom", "Client"])

    assert found.places[Role.TOTAL] == 1
    assert found.places[Role.ISSUED_ON] == 3
    assert found.places[Role.DEBTOR_NAME] == 5


def test_a_name_with_a_bracket_is_likely_but_not_sure():
    found = recognise(["Invoice number (internal)", "Due date"])

    assert found.confidence == {Role.DUE_ON: 100, Role.NUMBER: 80}


def test_a_person_may_choose_otherwise_and_leave_roles_out():
    findings = Findings()
    found = by_hand(
        ["Client", "Ref", "Montant", "Autre"], {"total": "Autre", "number": "Ref", "debtor_name": ""}, findings
    )

    assert found.places == {Role.TOTAL: 3, Role.NUMBER: 1}
    assert not findings


def test_a_wish_that_cannot_be_is_a_fault():
    findings = Findings()
    by_hand(["Client"], {"total": "Nowhere", "nonsense": "Client"}, findings)

    assert findings.counts == {"mapping.unknown_heading": 1, "mapping.unknown_role": 1}


def test_what_an_invoice_cannot_do_without_is_asked_for():
    findings = Findings()
    missing(recognise(["Remarque"]), findings)

    assert findings.counts == dict.fromkeys(
        ("mapping.no_debtor", "mapping.no_number", "mapping.no_issued_on", "mapping.no_amount"), 1
    )


def test_files_with_the_same_headings_share_a_signature():
    assert signature(["N° Facture", "Date d'échéance"]) == signature(["n facture ", "DATE ECHEANCE"])
    assert signature(["N° Facture", "Date"]) != signature(["Date", "N° Facture"])


@given(st.lists(st.text(max_size=20), max_size=12))
def test_recognition_gives_each_column_one_role(names):
    found = recognise(names)

    assert len(set(found.places.values())) == len(found.places)
