"""Exports of known programs, recognised by their headings.

A general reading of headings goes wrong where a program gives a common word a meaning of its own: in Xero "AccountCode" is an account of
the ledger, in Harvest "ID" is the number of the invoice, in FreshBooks only the lines have amounts. Headings after the programs'
own exports (see docs/accounting-files.md), compared by letters and figures alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backoffice.imports.roles import Role
from backoffice.imports.values import folded


@dataclass(frozen=True, slots=True)
class Preset:
    """One export of one program.

    `needs` are headings that together no other program writes; `roles` says what its columns hold; `unused` are columns that
    would be mistaken for something else. `in_lines`: a row is a line of an invoice and has only the line's amount. `states`:
    words of its own for what has become of a document. `clears_payments`: payments are lines with a day of clearing of their own; without one
    they are the customer's credit.
    """

    key: str
    called: str
    needs: tuple[str, ...]
    roles: Mapping[str, Role]
    unused: tuple[str, ...] = ()
    in_lines: bool = False
    clears_payments: bool = False
    states: Mapping[str, str] = field(default_factory=dict)
    sorts: Mapping[str, str] = field(default_factory=dict)


def bare(heading: str) -> str:
    """The letters and figures of a heading: "*InvoiceNumber" and "Invoice Number" are one."""
    return re.sub(r"[^a-z0-9]", "", folded(heading))


def _roles(**columns: str) -> dict[str, Role]:
    return {bare(name): Role(role) for role, names in columns.items() for name in names.split("|")}


_ODOO_NAMES = "Nom d'affichage du partenaire de la facture|Nom d'affichage du partenaire de facturation|Nom affiché du partenaire de la facture"

PRESETS: tuple[Preset, ...] = (
    Preset(
        "xero", "Xero, sales invoices",
        ("ContactName", "InvoiceNumber", "InvoiceAmountDue"),
        _roles(
            debtor_name="ContactName", email="EmailAddress", number="InvoiceNumber", issued_on="InvoiceDate", due_on="DueDate",
            total="Total", paid="InvoiceAmountPaid", open="InvoiceAmountDue", currency="Currency", kind="Type", status="Status",
            street="POAddressLine1", postcode="POPostalCode", city="POCity", country="POCountry", po_number="Reference",
        ),
        ("AccountCode", "TaxAmount", "TaxTotal", "LineAmount", "Description", "Sent", "PlannedDate", "Discount", "InventoryItemCode"),
    ),
    Preset(
        "quickbooks", "QuickBooks, open invoices or aging detail",
        ("Transaction type", "Num", "Open balance"),
        _roles(
            debtor_name="Customer|Customer full name|Name", number="Num", kind="Transaction type", issued_on="Date",
            due_on="Due date", terms="Terms", total="Amount", open="Open balance",
        ),
        ("Past due", "Location", "Memo/Description"),
    ),
    Preset(
        "zoho", "Zoho, invoices",
        ("Invoice Date", "Invoice Number", "Invoice Status", "Customer Name", "Balance"),
        _roles(
            debtor_code="Customer ID", debtor_name="Customer Name", number="Invoice Number", issued_on="Invoice Date",
            due_on="Due Date", status="Invoice Status", total="Total", open="Balance", currency="Currency Code",
            po_number="PurchaseOrder", email="Customer Email|Primary Contact EmailID|Email", street="Billing Address",
            postcode="Billing Code", city="Billing City", country="Billing Country",
        ),
        ("Invoice ID", "Item Name", "Quantity", "Item Total", "SubTotal", "Item Price", "Account", "Account Code", "Item Tax Amount"),
    ),
    Preset(
        "freshbooks", "FreshBooks, invoice details",
        ("Client Name", "Invoice #", "Date Issued", "Line Total"),
        _roles(
            debtor_name="Client Name", number="Invoice #", issued_on="Date Issued", due_on="Date Due|Due Date", status="Invoice Status",
            settled_on="Date Paid", total="Line Total", currency="Currency",
        ),
        ("Item Name", "Item Description", "Rate", "Quantity", "Discount Percentage", "Line Subtotal", "Tax 1 Type", "Tax 1 Amount",
         "Tax 2 Type", "Tax 2 Amount"),
        in_lines=True,
    ),
    Preset(
        "harvest", "Harvest, invoice report",
        ("Issue Date", "ID", "Client", "Invoice Amount", "Balance"),
        _roles(
            debtor_name="Client", number="ID", issued_on="Issue Date", due_on="Due Date", total="Invoice Amount", paid="Paid Amount",
            open="Balance", currency="Currency", label="Subject", po_number="PO Number", kind="Document Type",
            settled_on="Last Payment Date",
        ),
        ("Currency Symbol", "Subtotal", "Discount", "Tax", "Tax2", "Tax 2", "Client Address"),
        sorts={"invoice": "invoice", "retainer": "invoice"},
    ),
    Preset(
        "odoo", "Odoo, invoices",
        ("Invoice Partner Display Name", "Amount Due Signed"),
        _roles(
            debtor_name="Invoice Partner Display Name", number="Number", issued_on="Invoice/Bill Date|Invoice Date", due_on="Due Date",
            net="Untaxed Amount Signed|Untaxed Amount Signed Currency", total="Total Signed|Total in Currency Signed",
            open="Amount Due Signed|Amount Due", payment_status="Payment Status", status="Status", kind="Type|Move Type", po_number="Reference",
            currency="Currency",
        ),
        ("Tax Signed", "Next Activity", "Activities"),
    ),
    Preset(
        "odoo_fr", "Odoo, factures",
        ("Numéro", "Montant dû signé"),
        _roles(
            debtor_name=_ODOO_NAMES, number="Numéro", issued_on="Date de facturation|Date de la facture",
            due_on="Date d'échéance", net="Montant hors taxes signé", total="Total signé|Total en devise signé", open="Montant dû signé",
            payment_status="Statut de paiement|Statut du paiement", status="Statut", kind="Type", po_number="Référence",
        ),
        ("Taxe signée", "Activités"),
    ),
    Preset(
        "odoo_technical", "Odoo, account.move",
        ("name", "invoice_date", "amount_total_signed", "amount_residual_signed"),
        _roles(
            debtor_name="partner_id/name|partner_id|invoice_partner_display_name", number="name", issued_on="invoice_date",
            due_on="invoice_date_due", net="amount_untaxed_signed", total="amount_total_signed", open="amount_residual_signed",
            payment_status="payment_state", status="state", kind="move_type", po_number="ref", currency="currency_id|currency_id/name",
            debtor_code="partner_id/ref", email="partner_id/email", siren="partner_id/siren", vat_number="partner_id/vat",
        ),
        sorts={"entry": "other"},
    ),
    Preset(
        "dolibarr", "Dolibarr, factures clients",
        ("s.nom", "f.ref", "f.total_ttc"),
        _roles(
            debtor_code="s.code_client", debtor_name="s.nom", siren="s.siren", vat_number="s.tva_intra", number="f.ref", kind="f.type",
            issued_on="f.datef", due_on="f.date_lim_reglement", net="f.total_ht", vat="f.total_tva|f.tva", total="f.total_ttc",
            status="f.fk_statut", open="none.rest", street="s.address", postcode="s.zip", city="s.town", email="s.email", phone="s.phone",
            country="c.code", label="f.note_public",
        ),
        ("s.rowid", "f.rowid", "f.paye", "f.close_code", "fd.rowid", "fd.total_ttc", "fd.total_ht", "fd.total_tva", "s.siret"),
        states={"0": "out", "1": "open", "2": "paid", "3": "out"},
        sorts={"0": "invoice", "1": "invoice", "2": "credit_note", "3": "invoice", "5": "invoice"},
    ),
    Preset(
        "dolibarr_fr", "Dolibarr, factures clients",
        ("Réf. facture", "Date facturation", "Date limite règlement", "Montant TTC"),
        _roles(
            debtor_code="Code client", debtor_name="Nom de la société|Société|Nom du tiers|Tiers", siren="Id. prof. 1 (SIREN)|SIREN",
            vat_number="Numéro de TVA|N° TVA", number="Réf. facture", kind="Type", issued_on="Date facturation",
            due_on="Date limite règlement", net="Montant HT", vat="Montant TVA", total="Montant TTC", status="État|Etat|Statut",
            open="Reste à payer|Reste à encaisser", email="Email",
        ),
        ("Facture payée", "Id. prof. 2 (SIRET)"),
        states={"0": "out", "1": "open", "2": "paid", "3": "out"},
        sorts={"0": "invoice", "1": "invoice", "2": "credit_note", "3": "invoice", "5": "invoice"},
    ),
    Preset(
        "sap", "SAP, customer line items (FBL5N)",
        ("Customer", "Document Number", "Document Type", "Amount in local currency"),
        _roles(
            debtor_code="Customer", debtor_name="Name 1|Name", number="Document Number", kind="Document Type", issued_on="Document Date",
            due_on="Net due date", total="Amount in local currency", currency="Local Currency", settled_on="Clearing date", label="Text",
            po_number="Assignment",
        ),
        ("Clearing Document", "Posting Date", "Reference", "Special G/L ind."),
        clears_payments=True,
        sorts={"rv": "invoice", "dr": "invoice", "dg": "credit_note", "dz": "payment", "rd": "invoice"},
    ),
    Preset(
        "business_central", "Business Central, customer ledger entries",
        ("Posting Date", "Document No.", "Customer No.", "Remaining Amount"),
        _roles(
            debtor_code="Customer No.", debtor_name="Customer Name", number="Document No.", kind="Document Type",
            issued_on="Document Date|Posting Date", due_on="Due Date", total="Original Amount|Amount", open="Remaining Amount",
            currency="Currency Code", label="Description", po_number="External Document No.",
        ),
        ("Open", "Entry No.", "Amount (LCY)", "Remaining Amt. (LCY)", "Original Amt. (LCY)"),
    ),
    Preset(
        "stripe", "Stripe, invoices",
        ("id", "Amount Due", "Amount Remaining", "Customer Email", "Status"),
        _roles(
            debtor_code="Customer", debtor_name="Customer Name", email="Customer Email", number="Number", issued_on="Created (UTC)|Date (UTC)",
            due_on="Due Date (UTC)", total="Total", paid="Amount Paid", open="Amount Remaining", currency="Currency", status="Status",
            label="Description", settled_on="Paid At (UTC)",
        ),
        ("id", "Amount Due", "Subtotal", "Tax", "Charge", "Subscription", "Starting Balance", "Ending Balance"),
        states={"uncollectible": "open"},
    ),
    Preset(
        "pennylane", "Pennylane, factures clients",
        ("invoice_number", "deadline", "remaining_amount_with_tax"),
        _roles(
            debtor_name="customer_name|customer.name", debtor_code="customer_id|customer.id", number="invoice_number", issued_on="date",
            due_on="deadline", net="currency_amount_before_tax", vat="tax", total="amount", open="remaining_amount_with_tax",
            currency="currency", status="status", label="label", email="customer_email|emails",
        ),
        ("id", "currency_amount", "currency_tax", "paid", "draft", "public_file_url"),
        states={"incomplete": "out", "archived": "out", "credit_note": "open"},
    ),
)  # fmt: skip


def preset_of(headings: Sequence[str]) -> Preset | None:
    """The program whose export has these headings, or None; where two fit, the one that knows more of them."""
    names = {bare(name) for name in headings}
    fitting = [preset for preset in PRESETS if all(bare(need) in names for need in preset.needs)]
    return max(fitting, key=lambda preset: len(names & preset.roles.keys()), default=None)
