"""What the search for payouts remembers."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from payments.models import Provider
from shared.kit.columns import enum_column
from shared.kit.db import Base


class PayoutWatermark(Base):
    """Up to which moment every payout of a provider has been booked."""

    __tablename__ = "payout_watermark"

    provider: Mapped[Provider] = mapped_column(enum_column(Provider), primary_key=True)
    read_until: Mapped[datetime]
