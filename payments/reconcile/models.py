"""What the reconciliation remembers."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from payments.models import Provider
from shared.kit.columns import enum_column
from shared.kit.db import Base


class ProviderWatermark(Base):
    """Up to which moment a provider's list of events has been read."""

    __tablename__ = "provider_watermark"

    provider: Mapped[Provider] = mapped_column(enum_column(Provider), primary_key=True)
    events_read_until: Mapped[datetime]
