"""The plain words of every fault and warning, in the reader's language."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from backoffice.imports.faults import Fault
from shared.kit import templating
from shared.kit.money import Money, format_money
from shared.kit.words import current_language
from shared.kit.words import gettext as _
from shared.kit.words import lazy_gettext as _l

_SENTENCES: dict[str, Any] = {
    # The file as a whole
    "file.empty": _l("The file is empty."),
    "file.blank": _l("The file holds nothing but blanks."),
    "file.too_large": _l(
        "The file has %(megabytes)s MB; at most %(limit)s MB are taken. Split it and import the parts."
    ),
    "file.binary": _l("This is not a text or Excel file (it looks like %(called)s). Export it as CSV, XLSX or FEC."),
    "file.encoding": _l("The text is damaged: it is not valid %(encoding)s. Export the file again."),
    "file.too_wide": _l("The table has %(columns)s columns; at most %(limit)s are read."),
    "file.open_quote": _l("A quotation mark is opened here and never closed, so the rest cannot be read."),
    "file.broken_line": _l("The table breaks off here and cannot be read any further."),
    "row.too_wide": _l(
        "This line has %(columns)s cells under %(wanted)s headings: the mark between the cells also stands inside an amount or a text "
        "(1,234.50), and what is behind it has moved. Export it with semicolons, with quotation marks, or as a workbook."
    ),
    "file.not_read": _l(
        "Reading this file was broken off several times: it is too large for this machine, or damaged. Split it, or export it as CSV."
    ),
    "file.no_rows": _l("There are headings but no lines below them."),
    "foreign.fec_xml": _l(
        "This is a FEC written as XML. Export it as a text file (“fichier à plat”, 18 columns): that one is read."
    ),
    "foreign.sage": _l(
        "This is a Sage 100 file (#MECG). Export the FEC from Sage 100 instead, or the customers' open items as CSV or Excel."
    ),
    "foreign.tra": _l(
        "This is a Cegid TRA file. Export the FEC from Cegid instead, or the customers' open items as CSV or Excel."
    ),
    "foreign.quadra": _l(
        "This is a Quadra (ASCII) file. Export the FEC from Quadra instead, or the customers' open items as CSV or Excel."
    ),
    "foreign.ciel": _l(
        "This is a Ciel XIMPORT file. Export the FEC from Ciel instead, or the customers' open items as CSV or Excel."
    ),
    "foreign.iif": _l(
        "This is a QuickBooks IIF file. Export the report “Open Invoices” or “A/R Aging Detail” as CSV or Excel instead."
    ),
    "foreign.e_invoice": _l(
        "This is a single electronic invoice (UBL or CII). Export the list of your invoices as CSV or Excel, or the FEC, instead."
    ),
    "foreign.bank": _l(
        "This is a bank statement, not a list of invoices. Offer the list of your invoices, or the FEC."
    ),
    "foreign.spreadsheet_xml": _l(
        "This is a workbook written as XML. Open it in your spreadsheet program and save it as .xlsx."
    ),
    "foreign.html": _l(
        "This is a web page, though its name may say .xls. Open it in your spreadsheet program and save it as .xlsx or CSV."
    ),
    "foreign.xml": _l(
        "This is an XML file of a kind that is not known. Export the list of your invoices as CSV or Excel, or the FEC."
    ),
    "foreign.json": _l(
        "This is a JSON file, made for programs. Export the list of your invoices as CSV or Excel, or the FEC."
    ),
    "foreign.rtf": _l("This is a text document (RTF). Export the list of your invoices as CSV or Excel, or the FEC."),
    "xls.damaged": _l(
        "The workbook is damaged or locked with a password. Open it in your spreadsheet program and save it as .xlsx."
    ),
    "sheet.hidden": _l("The invoices stand on a hidden sheet (“%(value)s”): no other one holds any."),
    "xlsx.damaged": _l("The workbook is damaged. Open it in your spreadsheet program and save it again as .xlsx."),
    "xlsx.bomb": _l("The workbook unpacks to more than can be taken. Export the sheet as CSV."),
    "xlsx.other_zip": _l("This is a ZIP archive but not an Excel workbook. Unpack it and import the file inside."),
    "xlsx.password": _l("The workbook is protected by a password. Save it without one."),
    # Columns
    "file.no_headings": _l(
        "The file does not name its columns: its first line is data already. Export it with headings, or export the FEC."
    ),
    "mapping.nothing": _l(
        "None of the columns is known. Say which one holds the number, the date, the customer and the amount."
    ),
    "mapping.no_debtor": _l("No column says who owes: choose the one with the customer's code or name."),
    "mapping.no_number": _l("No column holds the invoice number: choose it."),
    "mapping.no_issued_on": _l("No column holds the invoice date: choose it."),
    "mapping.no_amount": _l("No column holds the amount: choose the total or the open amount."),
    "mapping.twice": _l(
        "Two columns have the same name and hold different things; here the other one is called “%(value)s”. Say which one is meant."
    ),
    "mapping.unknown_role": _l("There is no kind of column called “%(value)s”."),
    "mapping.unknown_heading": _l("The file has no column “%(column)s”."),
    # Cells
    "amount.unreadable": _l("This is not an amount."),
    "amount.empty": _l("The amount is missing."),
    "amount.other_mark": _l("Everywhere else in this file “%(mark)s” is the decimal mark; this amount does not fit."),
    "amount.too_many_decimals": _l("The amount has more than %(places)s decimals."),
    "amount.too_large": _l("The amount is too large to be true."),
    "amount.ambiguous": _l(
        "This amount can be read in two ways (1.234 is 1234 or 1 and a bit), and so can all others: say which decimal mark the file uses."
    ),
    "amount.zero": _l("The amount is zero: the line is left out."),
    "day.unreadable": _l("This is not a date."),
    "day.empty": _l("The date is missing."),
    "day.impossible": _l("There is no such day."),
    "day.implausible": _l("The year is not between %(first)s and %(last)s."),
    "day.other_order": _l(
        "Everywhere else in this file the days are written in another order; this date does not fit."
    ),
    "day.turned": _l(
        "This column holds days and texts that look like days: a spreadsheet has taken %(value)s and others for what they are not, with "
        "month and day exchanged. Export it again and offer the export itself, or correct the days."
    ),
    "day.ambiguous": _l(
        "This date can be read as day/month or as month/day, and so can all others: say which order the file uses."
    ),
    "number.empty": _l("The invoice number is missing."),
    "number.too_long": _l("The invoice number has more than %(limit)s characters."),
    "debtor.empty": _l("The line does not say who owes."),
    "debtor.two_names": _l("This customer has another name further up; the first one is kept."),
    "text.too_long": _l("The text has more than %(limit)s characters."),
    "email.unreadable": _l("This is not an e-mail address: it is left out."),
    "siren.unreadable": _l("This is not a SIREN or SIRET (a figure is missing or wrong): it is left out."),
    "country.unreadable": _l("This country is not known: France is taken; correct it on the customer's page."),
    "flag.unreadable": _l("Write yes or no here."),
    "terms.unreadable": _l("These payment terms are not understood: the usual ones are used."),
    "currency.unreadable": _l("This is not a currency."),
    "currency.other": _l("The account is kept in %(expected)s; amounts in another currency cannot be imported."),
    "due.before_issue": _l("The invoice falls due before it was issued."),
    "open.beyond_total": _l("More is open than the invoice's total."),
    "open.below_zero": _l("More was paid than the invoice's total. Enter the surplus as a credit."),
    "amounts.contradict": _l(
        "The amounts contradict each other: of %(total)s in all, %(paid)s are said to be paid and %(open)s to be open."
    ),
    "amounts.net_and_vat": _l("Net %(net)s and VAT %(vat)s do not make the total: only the total is kept."),
    "currency.heading": _l("The column says another currency; the account is kept in %(expected)s."),
    "amount.without_vat": _l(
        "The VAT beside them shows that these amounts are without VAT: what is owed is the total with VAT. Export that column as well, or "
        "choose this one as the total if it is what is owed."
    ),
    "amount.in_thousands": _l("The column holds thousands or millions: export the amounts to the cent."),
    "code.of_ledger": _l(
        "The column “%(column)s” holds accounts of the ledger (%(value)s), not one code for each customer: it is left out."
    ),
    "code.shortened": _l(
        "A spreadsheet has shortened this code, and its last figures are lost. Format the column as text and export it again."
    ),
    "code.is_day": _l(
        "A spreadsheet has taken this number or code for a day, and how it was written is lost. Format the column as text and export it again."
    ),
    "code.zeros_lost": _l(
        "This column holds numbers, and an XLS does not tell zeros in front of them: %(value)s may have been 0%(value)s. If it shows any, "
        "save the workbook as .xlsx and offer that one."
    ),
    "day.to_come": _l("Invoices dated after today: %(rows)s, the last of them on %(value)s."),
    "day.far": _l("This day is too far ahead to be true."),
    "rows.left_out": _l("Left out, because nobody owes it: “%(value)s” (lines: %(rows)s)."),
    "rows.asides": _l(
        "Lines with nothing but a text, such as “%(value)s”, are no documents: they are left out (%(rows)s of them)."
    ),
    "rows.payments": _l(
        "%(rows)s payments that settle no invoice of the file (%(paid)s) are left out: they are no credit of a customer here."
    ),
    "ledger.read": _l("The table has debits and credits: it is read as a ledger of whole accounts, with its payments."),
    # FEC
    "fec.not_text": _l(
        "A FEC is a text file; this is a workbook. Offer the text file as your accounting program exports it."
    ),
    "fec.no_headings": _l(
        "This is not a FEC: its first line does not name the columns JournalCode, EcritureDate, CompteNum…"
    ),
    "fec.missing_columns": _l("The FEC lacks columns: %(columns)s."),
    "fec.short_line": _l("The line has %(columns)s columns instead of %(wanted)s: a label may hold a line break."),
    "fec.no_account": _l("The account number is missing."),
    "fec.no_sense": _l("The direction must be D or C."),
    "fec.no_customers": _l("The FEC has no line on a customers' account (411)."),
    "fec.unbalanced_file": _l(
        "The FEC does not balance: debit %(debit)s, credit %(credit)s. It may be cut off; export it again."
    ),
    "fec.unbalanced_entry": _l("Entry %(value)s does not balance: debit %(debit)s, credit %(credit)s."),
    "fec.no_lettering": _l(
        "Nothing in this file is lettered. Payments were set off against invoices by reference, by equal amount, then oldest first."
    ),
    "fec.unbalanced_lettering": _l(
        "Lettering %(value)s of account %(account)s does not balance (%(difference)s); %(left)s of it stays open."
    ),
    "fec.lettering_of_older": _l(
        "Lettering %(value)s of account %(account)s does not balance (%(difference)s): it belongs with the balance carried forward from before this file."
    ),
    "fec.nothing_owed": _l(
        "Account %(value)s owes nothing on balance: its unlettered credits settle %(settled)s, and %(credit)s remains as credit."
    ),
    "fec.not_lettered": _l(
        "Account %(account)s: a payment of %(settled)s is booked and not lettered; it names or equals %(value)s and settles it."
    ),
    "fec.doubtful": _l("Account %(value)s: %(balance)s of it stands with doubtful customers (416), and is still owed."),
    "fec.bills": _l(
        "Bills receivable (account 413, balance %(balance)s) are not read: what a customer has covered by a bill counts as paid."
    ),
    "fec.advances": _l(
        "Advances received (account 4191, balance %(balance)s) are not read: they are no credit of a customer here."
    ),
    "fec.unbilled": _l(
        "Invoices still to be made (account 418, balance %(balance)s) are not read: nobody owes them yet."
    ),
    "fec.no_opening": _l(
        "The file begins on %(value)s and carries no balances forward. Guichet knows %(invoices)s older open invoices of its "
        "accounts (%(open)s), which would count as paid. Export the FEC from the first day of the financial year, with the "
        "balances carried forward (à-nouveaux), provisional ones if the last year is not closed."
    ),
    # Against what Guichet knows
    "fec.outdated": _l(
        "The file ends on %(value)s; a later one, until %(last)s, has been imported already. Import the years in their order."
    ),
    "company.other_siren": _l("The file's name says SIREN %(value)s; this company has %(expected)s."),
    "invoice.held": _l(
        "The file shows %(waits)s of invoice %(value)s as settled while a payment of %(held)s is under way here: it is taken back if it "
        "has not left; what comes in all the same becomes the customer's credit."
    ),
    "invoice.overpaid": _l(
        "The new total of invoice %(value)s is less than what was paid here: %(paid)s of it become the customer's credit."
    ),
    "invoice.paid_here": _l("Invoice %(value)s was paid here (%(paid)s) and the file does not show it yet."),
    "list.left_out": _l(
        "%(invoices)s invoices (%(total)s) are open here and the file does not hold them: they stay open. If the file is the complete list "
        "of what is open, say so on its page (or with --complete), and they are settled."
    ),
    "list.settled": _l(
        "%(invoices)s invoices (%(total)s) are not in this complete list: they are settled with the import."
    ),
    "invoice.cancel_two": _l(
        "Invoice %(value)s is not cancelled by the import: with what its customer was given of late it is above what one person may give "
        "alone. Cancel it on its page, where a second person agrees."
    ),
    "invoice.missing": _l("Invoice %(value)s is open in Guichet, and the file does not hold it."),
    "invoice.below_paid": _l(
        "The new total of credit note %(value)s is less than what was set off of it here (%(paid)s too much)."
    ),
    "invoice.frozen": _l(
        "Invoice %(value)s is frozen (dispute, plan or promise); its new open amount is less than what is frozen."
    ),
    "invoice.covers_less": _l(
        "Invoice %(value)s has become smaller than the %(covered)s that disputes, plans, promises or declared payments "
        "covered of it: they now cover as much as there is."
    ),
    "invoice.under_two_codes": _l(
        "Document %(value)s stands in the file under two codes of one customer: it is taken once, as it stands under the customer’s "
        "own code."
    ),
    "invoice.two_documents": _l(
        "Number %(value)s stands in the file under two codes of one customer, with different days or totals. One account cannot have "
        "two documents of one number: correct one of the numbers in the file."
    ),
    "certificate.difference": _l(
        "Account %(value)s: the file says %(expected)s, Guichet would say %(found)s. Nothing was imported."
    ),
    "debtor.missing": _l("Account %(value)s has %(left)s open in Guichet, and the file does not hold this account."),
    "contact.erased": _l(
        "An address of %(value)s was erased on %(on)s at its owner’s wish: it is left out. Whoever adds it again on the debtor’s page "
        "gives a reason."
    ),
    "debtor.other_currency": _l("Account %(value)s is kept in %(expected)s."),
}

_ISO_VALUES = frozenset(["day.to_come", "day.turned", "fec.no_opening", "fec.outdated"])
"""Findings whose value is a day of ours, which people read in their own way of writing."""
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_MONEY = frozenset(
    [
        "balance",
        "open",
        "debit",
        "credit",
        "difference",
        "left",
        "settled",
        "held",
        "paid",
        "expected",
        "found",
        "covered",
        "waits",
        "total",
    ]
)


def sentence(fault: Fault, currency: str = "EUR") -> str:
    """What is wrong, as one sentence without its place; amounts in the reader's way of writing."""
    facts: dict[str, Any] = {"value": fault.value or "", "column": fault.column or ""} | fault.facts
    for name in _MONEY & facts.keys():
        if isinstance(facts[name], int):
            facts[name] = format_money(Money(facts[name], currency), current_language())
    for name in ("on", "last", "value") if fault.code in _ISO_VALUES else ("on",):
        if _ISO.fullmatch(str(facts.get(name))):
            facts[name] = templating.day(date.fromisoformat(facts[name]))
    text = _SENTENCES[fault.code]
    return _(text.message, **facts)


def place(fault: Fault) -> str:
    """Where it stands: "line 12, column Montant TTC", with its sheet if several are read; nothing for the file as a whole."""
    if sheet := fault.facts.get("sheet"):
        return _("sheet %(sheet)s, %(place)s", sheet=sheet, place=_place(fault)) if _place(fault) else ""
    return _place(fault)


def _place(fault: Fault) -> str:
    if fault.line and fault.column:
        return _("line %(line)s, column %(column)s", line=fault.line, column=fault.column)
    if fault.line:
        return _("line %(line)s", line=fault.line)
    return _("column %(column)s", column=fault.column) if fault.column else ""


def told(fault: Fault, currency: str = "EUR") -> str:
    """Place, sentence and value in one line, as the command prints it."""
    where = place(fault)
    value = f" [{fault.value}]" if fault.value and "%(value)s" not in _SENTENCES[fault.code].message else ""
    return f"{where}{_(':')} {sentence(fault, currency)}{value}" if where else f"{sentence(fault, currency)}{value}"


def codes() -> frozenset[str]:
    """Every code that has words."""
    return frozenset(_SENTENCES)
