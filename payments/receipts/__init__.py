"""Money that came another way and is recorded by hand; and what payers are told about their payments."""

from payments.receipts.service import apply_credit, record_receipt, undo_receipt

__all__ = ["apply_credit", "record_receipt", "undo_receipt"]
