from dataclasses import dataclass
from datetime import datetime

from django.db.models import Avg, Count

from apps.reviews.models import Review


@dataclass(frozen=True, slots=True)
class Reputation:
    """What others made of somebody: mean stars (None before the first) and how many said so."""

    mean: float | None
    count: int


def reputation(user_id: int, *, at: datetime) -> Reputation:
    """Count only reviews that are shown by now: the others are still blind."""
    shown = Review.objects.filter(about=user_id, shown_at__lte=at)
    found = shown.aggregate(mean=Avg("stars"), count=Count("pk"))
    return Reputation(found["mean"], found["count"])
