"""Inspections, read: whom an officer may inspect, which inspection is theirs, what was seen."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.audit.models import Look
from apps.inspection.models import Inspection
from apps.orders.models import Order
from apps.parties.models import Membership, Provider, User, Worker
from apps.parties.queries import granted
from apps.parties.roles import INSPECT

PERMISSION = "inspection.inspect_person"


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose data an officer may inspect: anybody's, or of whoever had to do with districts."""

    everywhere: bool
    districts: frozenset[int]

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.districts)

    def orders(self) -> QuerySet[Order]:
        """The orders that an inspection may show at all."""
        found = Order.objects.all()
        return found if self.everywhere else found.filter(district__in=self.districts)


def reach_of(officer: User) -> Reach:
    """What an officer's roles give them now; whoever lost their account has none."""
    if not (officer.is_active and officer.is_staff):
        return Reach(everywhere=False, districts=frozenset())
    if officer.has_perm(PERMISSION):
        return Reach(everywhere=True, districts=frozenset())
    return Reach(everywhere=False, districts=frozenset(granted(officer, INSPECT)))


def may_inspect(reach: Reach, of: User | Provider) -> bool:
    """Whether somebody is within an officer's reach: in a district, by an order that began there.

    Whoever took part in one counts: who asked, who did it, and the provider.
    """
    if reach.everywhere or not reach:
        return reach.everywhere
    if isinstance(of, Provider):
        return reach.orders().filter(provider=of).exists()
    return reach.orders().filter(Q(consumer=of) | Q(worker__user=of)).exists()


def open_of(officer_id: int) -> Inspection | None:
    """The inspection of an officer that nobody has ended, though its time may be over."""
    found = Inspection.objects.select_related("officer", "person", "provider", "case")
    return found.filter(officer=officer_id, ended_at=None).first()


def last_of(officer_id: int) -> Inspection | None:
    """The latest inspection of an officer, under way or over."""
    found = Inspection.objects.select_related("person", "provider", "case")
    return found.filter(officer=officer_id).order_by("-pk").first()


def to_tell(inspection: Inspection) -> set[int]:
    """Who sees that it is looked: the person; of a provider its team, else who works for it."""
    if inspection.person_id is not None:
        return {inspection.person_id}
    return stand_for(inspection.provider_id or 0)


def stand_for(provider_id: int) -> set[int]:
    """The accounts of those who stand for a provider towards the city."""
    team = Membership.objects.filter(provider=provider_id)
    leads = team.filter(role__in=[Membership.Role.OWNER, Membership.Role.MANAGER])
    workers = Worker.objects.filter(provider=provider_id)
    for people in (leads, team, workers):
        if found := set(people.values_list("user_id", flat=True)):
            return found
    return set()


def looks_of(inspection: Inspection) -> QuerySet[Look]:
    """Every look of an inspection, the oldest first."""
    return Look.objects.filter(inspection=inspection.ref).order_by("pk")


def orders_of(inspection: Inspection, reach: Reach) -> QuerySet[Order]:
    """The orders that an inspection shows: the person's or provider's, within the reach."""
    found = reach.orders().select_related(
        "city", "quote", "consumer", "worker__user", "provider", "basket", "ride"
    )
    if inspection.provider_id is not None:
        return found.filter(provider=inspection.provider_id)
    return found.filter(Q(consumer=inspection.person) | Q(worker__user=inspection.person))


def named(words: str) -> dict[str, int]:
    """Whom an officer means: a person by their e-mail address, a provider by number or name.

    Empty where nobody, or more than one, is meant.
    """
    words = words.strip()
    if "@" in words:
        people = User.objects.filter(email__iexact=words)[:2]
        return {"person_id": people[0].pk} if len(people) == 1 else {}
    for way in ("tax_id__iexact", "name__iexact"):
        found = list(Provider.objects.filter(**{way: words})[:2]) if words else []
        if len(found) == 1:
            return {"provider_id": found[0].pk}
    return {}
