"""Whether money moves as it should."""

from payments.health.queries import Health, look

__all__ = ["Health", "look"]
