"""placeholder"""
from payments.models import Provider


def take_payouts(provider: Provider) -> None:
    """X."""
