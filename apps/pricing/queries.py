from datetime import datetime

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from apps.pricing import levies
from apps.pricing.models import Levy, Payee, Tariff


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


def levies_of(
    *, city_id: int, vertical: str, since: datetime, until: datetime
) -> list[levies.Rule]:
    """The rules of all taxes and fees that may hold for a kind of service in a time.

    For a moment, `until` is the same as `since`.
    """
    found = (
        Levy.objects.filter(
            city_id=city_id,
            vertical__in=["", vertical],
            valid__overlap=DateTimeTZRange(since, until, "[]"),
            withdrawn_at=None,
            state=Levy.State.APPROVED,
        )
        .select_related("zone")
        .prefetch_related("shares", "exemptions")
        .order_by("code", "number")
    )
    return [rule_of(levy) for levy in found]


def rule_of(levy: Levy) -> levies.Rule:
    """A tax or fee as the engine reads it."""
    return levies.Rule(
        number=levy.number,
        code=levy.code,
        name=levy.name,
        shares=tuple(
            levies.Share(Payee(one.to), one.beneficiary, one.weight)
            for one in sorted(levy.shares.all(), key=lambda share: share.pk)
        ),
        kind=levy.kind,
        rate=levy.rate,
        per=levy.per,
        base=tuple(levy.base),
        times_bp=levy.times_bp,
        vertical=levy.vertical,
        category=levy.category,
        zone=levy.zone.slug if levy.zone else "",
        begins=levy.valid.lower,
        ends=levy.valid.upper,
        weekdays=tuple(levy.weekdays),
        hour_from=levy.hour_from,
        hour_until=levy.hour_until,
        age_from=levy.age_from,
        age_below=levy.age_below,
        most_parts=levy.most_parts,
        most_unit=levy.most_unit_minor,
        most_person=levy.most_person_minor,
        most=levy.most_minor,
        exemptions=tuple(
            levies.Exemption(one.code, one.name, one.proof, one.frees)
            for one in sorted(levy.exemptions.all(), key=lambda exemption: exemption.code)
        ),
        rounded=levy.rounded,
        direction=levy.direction,
    )
