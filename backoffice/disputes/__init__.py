"""Disputes at the desk: the queue, one dispute with its conversation, decisions, reasons and saved replies."""
