from datetime import datetime

from apps.pricing.models import Tariff


class NoTariff(LookupError):
    """The city has not said what this costs."""


def tariff_of(*, city_id: int, vertical: str, kind: str, at: datetime) -> Tariff:
    """The tariff that is in force at a moment, or raise `NoTariff`."""
    tariff = Tariff.objects.filter(
        city_id=city_id, vertical=vertical, kind=kind, valid__contains=at
    ).first()
    if tariff is None:
        raise NoTariff(f"{vertical}/{kind}")
    return tariff
