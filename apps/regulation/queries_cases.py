"""Cases, read: by when, whose they are, and who may see what of them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import Permission
from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.parties.queries import providers_of
from apps.places.models import City
from apps.regulation.models import CaseEvent, CaseFile, CaseKind, DayOff, Deadline
from apps.regulation.queries import explain

WORK = "regulation.work_case"
# Where a city has set nothing.
WORKING_DAYS = {
    CaseKind.APPEAL: 20,
    CaseKind.COMPLAINT: 15,
    CaseKind.INSPECTION: 10,
    CaseKind.APPLICATION: 30,
    CaseKind.HEARING: 20,
}
SATURDAY = 5
For = CaseEvent.For
# What each side of a case reads.
EYES = {For.OPENER: (For.OPENER, For.BOTH), For.PROVIDER: (For.PROVIDER, For.BOTH)}


def working_day_after(city: City, day: date, count: int) -> date:
    """The day that comes so many working days of the city's office after this one."""
    off = set(DayOff.objects.filter(city=city, day__gt=day).values_list("day", flat=True))
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY and day not in off
    return day


def due_on(city: City, kind: str, at: datetime) -> date:
    """By when a case of this kind that comes in now is to be closed."""
    own = Deadline.objects.filter(city=city, kind=kind).values_list("working_days", flat=True)
    days = own.first() or WORKING_DAYS[CaseKind(kind)]
    return working_day_after(city, city.now(at).date(), days)


@dataclass(frozen=True, slots=True)
class Seat:
    """A person's place in a case: on which side, and so what they read of it."""

    case: CaseFile
    side: str

    @property
    def events(self) -> QuerySet[CaseEvent]:
        return self.case.events.filter(seen_by__in=EYES[For(self.side)])

    @property
    def may_withdraw(self) -> bool:
        return self.side == For.OPENER and self.case.is_open

    @property
    def speaks_as(self) -> Kind:
        """In what part whoever sits there speaks."""
        for_provider = self.case.is_for_provider or self.side == For.PROVIDER
        return Kind.PROVIDER if for_provider else Kind.CONSUMER

    @property
    def is_asked(self) -> bool:
        """Whether the city waits for this side to say something."""
        last = self.case.events.filter(what=CaseEvent.What.ASKED).last()
        asked = last is not None and last.seen_by in EYES[For(self.side)]
        return asked and self.case.state == CaseFile.State.ASKED


def title_of(case: CaseFile) -> str:
    """What a case is about, in the reader's language where the city itself has said it."""
    return explain(case.refusal) if case.refusal else case.title


def side_of(case: CaseFile, user: User) -> str:
    """On which side of a case a person stands; empty for none.

    A provider that the case is about comes in only once the office has told it something.
    """
    if case.opened_by_id == user.pk:
        return str(For.OPENER)
    if case.provider_id is None:
        return ""
    if not providers_of(user, "operate_provider").filter(pk=case.provider_id).exists():
        return ""
    if case.is_for_provider:
        return str(For.OPENER)
    return str(For.PROVIDER) if case.events.filter(seen_by__in=EYES[For.PROVIDER]).exists() else ""


def seat_of(user: User, ref: UUID) -> Seat | None:
    """A case as one of its sides sees it; None for everybody else."""
    case = CaseFile.objects.select_related("city", "provider").filter(ref=ref).first()
    side = case and side_of(case, user)
    return Seat(case, side) if case and side else None


def cases_of(user: User) -> QuerySet[CaseFile]:
    """The cases that a person may read as one of their sides, the newest first."""
    mine = providers_of(user, "operate_provider")
    found = CaseFile.objects.filter(Q(opened_by=user) | Q(_told(), provider__in=mine))
    return found.select_related("city", "provider").order_by("-pk")


def cases_told_to(provider_id: int) -> QuerySet[CaseFile]:
    """The cases that a provider's team may read, the newest first."""
    found = CaseFile.objects.filter(_told(), provider=provider_id)
    return found.select_related("city", "provider").order_by("-pk")


def _told() -> Q:
    """Cases of which the provider knows: its own, and those in which it was told something."""
    told = CaseEvent.objects.filter(case=OuterRef("pk"), seen_by__in=EYES[For.PROVIDER])
    return Q(is_for_provider=True) | Q(Exists(told))


def event_open_to(user: User, case: UUID, event: UUID) -> CaseEvent | None:
    """A file in a case, if this person may look at it: its readers, and officers with leave."""
    found = CaseEvent.objects.filter(ref=event, case__ref=case).exclude(scan="").first()
    if found is None or (user.is_staff and user.has_perm("regulation.view_casefile")):
        return found
    seat = seat_of(user, case)
    return found if seat and seat.events.filter(pk=found.pk).exists() else None


# --- the office's worklists ---------------------------------------------------------------


def to_do() -> Q:
    return ~Q(state=CaseFile.State.CLOSED)


def unowned() -> Q:
    return Q(state=CaseFile.State.OPEN, owner=None)


def owned_by(user_id: int) -> Q:
    return to_do() & Q(owner=user_id)


def overdue(at: datetime) -> Q:
    """Cases whose last day is over where they are."""
    late = Q(pk=None)
    for city in City.objects.only("timezone"):
        late |= Q(city=city.pk, due_on__lt=city.now(at).date())
    return to_do() & late


def may_work(user: User) -> bool:
    return user.is_staff and user.is_active and user.has_perm(WORK)


def officers() -> QuerySet[User]:
    """Those to whom a case can be handed."""
    leave = Permission.objects.filter(content_type__app_label="regulation", codename="work_case")
    granted = Q(user_permissions__in=leave) | Q(groups__permissions__in=leave)
    staff = User.objects.filter(is_staff=True, is_active=True)
    return staff.filter(granted | Q(is_superuser=True)).distinct().order_by("name", "pk")
