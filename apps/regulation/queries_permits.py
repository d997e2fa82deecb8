"""Permits, read: which end soon, and which the city has taken out of force."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from apps.regulation.models import Permit


def ending(at: datetime, days: int) -> Q:
    """Permits in force that end within so many days and that no other follows yet."""
    later = Permit.objects.filter(
        provider=OuterRef("provider"),
        vertical=OuterRef("vertical"),
        revoked_at=None,
        valid__startswith__gte=OuterRef("valid__endswith"),
    )
    return Q(
        ~Q(Exists(later)),
        revoked_at=None,
        valid__contains=at,
        valid__upper_inf=False,
        valid__endswith__lte=at + timedelta(days=days),
    )
