"""News, read: what stands in a person's list, and how they want to hear of things."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from apps.kernel.actors import Kind as Part
from apps.notifications import kinds
from apps.notifications.models import Channel, Choice, Device, Notice, QuietHours
from apps.parties.models import User


def inbox(user_id: int) -> QuerySet[Notice]:
    """A person's notices, the newest first."""
    return Notice.objects.kept().filter(user=user_id).order_by("-id")


def unread(user_id: int) -> int:
    return Notice.objects.unread().filter(user=user_id).count()


def ringing(user_id: int) -> list[Notice]:
    """Urgent news for an officer that nobody has read yet: it rings until somebody does."""
    urgent = [kind.slug for kind in kinds.of(Part.OFFICER) if kind.is_urgent]
    waiting = Notice.objects.unread().filter(user=user_id, kind__in=urgent)
    return list(waiting.order_by("id")[:10])


def devices_of(user_id: int) -> QuerySet[Device]:
    return Device.objects.kept().filter(user=user_id).order_by("-added_at", "-pk")


def channels_for(user_id: int, kind: kinds.Kind) -> set[Channel]:
    """How a person wants to hear of a kind: as given, but for what they chose."""
    wanted = set(kind.channels)
    chosen = Choice.objects.filter(user=user_id, kind=kind.slug)
    for channel, is_on in chosen.values_list("channel", "is_on"):
        (wanted.add if is_on else wanted.discard)(Channel(channel))
    return (wanted | kind.always) & set(kind.possible)


def quiet_until(user_id: int, at: datetime) -> datetime | None:
    """When the person's quiet hours end, if `at` lies in them."""
    hours = QuietHours.objects.filter(user=user_id).first()
    if hours is None:
        return None
    there = at.astimezone(ZoneInfo(hours.zone))
    # Those that began yesterday, or those of today.
    for day in (there.date() - timedelta(days=1), there.date()):
        starts = datetime.combine(day, hours.starts, there.tzinfo)
        after = day + timedelta(days=hours.ends < hours.starts)
        ends = datetime.combine(after, hours.ends, there.tzinfo)
        if starts <= there < ends:
            return ends.astimezone(at.tzinfo)
    return None


def parts_of(user: User) -> list[Part]:
    """The parts in which the city has news for a person."""
    parts = [Part.CONSUMER]
    if hasattr(user, "worker") or user.joinings.exists():
        parts.append(Part.WORKER)
    if user.memberships.exists():
        parts.append(Part.PROVIDER)
    if user.is_staff:
        parts.append(Part.OFFICER)
    return parts


@dataclass(frozen=True, slots=True)
class Wish:
    """One switch on the page of choices."""

    kind: kinds.Kind
    channel: Channel
    is_on: bool
    is_fixed: bool

    @property
    def name(self) -> str:
        return f"{self.kind.slug}:{self.channel}"


def wishes(user: User, part: Part) -> list[tuple[kinds.Kind, list[Wish | None]]]:
    """Each kind of news in one part of a person's, with a switch for each channel it can take."""
    told = []
    for kind in kinds.of(part):
        wanted = channels_for(user.pk, kind)
        told.append(
            (
                kind,
                [
                    Wish(kind, channel, channel in wanted, channel in kind.always)
                    if channel in kind.possible
                    else None
                    for channel in Channel
                ],
            )
        )
    return told
