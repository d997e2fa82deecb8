"""Who is told what of permits and cases."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import override
from guardian.shortcuts import get_users_with_perms

from apps.kernel.actors import Actor
from apps.notifications import operations as notifications
from apps.notifications import words
from apps.parties.models import Provider, User
from apps.places.current import current_city
from apps.regulation.models import CaseEvent, CaseFile, CaseKind, Outcome, Permit
from apps.regulation.queries_cases import EYES, title_of

REGULATION = Actor.system("regulation")
For = CaseEvent.For
# What an officer opens.
BY_THE_CITY = (CaseKind.INSPECTION, CaseKind.HEARING)
# What is told of by another name than its event.
NAMES = {"permit_restored": "permit_back", "permit_resumed": "permit_back"}


def team_of(provider: Provider) -> set[User]:
    """The people who act for a provider, and so see its permits and cases."""
    found = get_users_with_perms(
        provider, only_with_perms_in=["operate_provider"], with_group_users=False
    )
    return {person for person in found if isinstance(person, User)}


def in_order(people: set[User]) -> list[User]:
    """The same people, ascending: rows of one kind are written in one order everywhere."""
    return sorted(people, key=lambda person: person.pk)


def tell_of_permit(
    *, what: str, permit_id: int, reason: str, days: int, event: int, at: datetime
) -> None:
    """Tell a provider's team what became of a permit; of its end, once for each threshold."""
    permit = Permit.objects.select_related("provider").get(pk=permit_id)
    context: words.Context = {
        "number": permit.number,
        "provider": permit.provider.name,
        "reason": reason,
    }
    kind = NAMES.get(what, what)
    if what == "permit_runs_out" and permit.valid.upper:
        context["until"] = _moment(permit.valid.upper)
    if what == "permit_suspended" and permit.suspended_until:
        kind, context["until"] = "permit_suspended_until", _moment(permit.suspended_until)
    for person in in_order(team_of(permit.provider)):
        notifications.notify(
            to=person.pk,
            kind=kind,
            about=f"permit:{permit.pk}:{days or event}",
            link=reverse("regulation:permits"),
            context=context,
            by=REGULATION,
            at=at,
        )


def tell_of_case(*, what: str, event_id: int, at: datetime) -> None:
    """Tell those who may read what was done in a case, but for whoever did it.

    That a case is open is told to whoever asked for it, too: it says by when the city answers.
    """
    events = CaseEvent.objects.select_related("case__provider", "case__city", "case__opened_by")
    event = events.get(pk=event_id)
    case = event.case
    kind = _kind_of(what, case)
    if kind is None:
        return
    context: words.Context = {
        "number": case.number,
        "due": words.day(case.due_on),
    }
    if kind == "hearing_opened":
        context["until"] = words.moment(case.hearing.statement_until, case.city.timezone)
    told = _readers(case, event.seen_by)
    if what != "case_opened" or case.kind in BY_THE_CITY:
        told = {person for person in told if person.pk != event.person_id}
    for person in in_order(told):
        # What an appeal is about is the city's own words, and those have the reader's language.
        with override(person.language):
            context["title"] = title_of(case)
        notifications.notify(
            to=person.pk,
            kind=kind,
            about=f"case:{case.ref}:{event.pk}",
            link=reverse("regulation:case", args=[case.ref]),
            context=context,
            by=REGULATION,
            at=at,
        )


def _kind_of(what: str, case: CaseFile) -> str | None:
    """How news of a case is called; nothing for what its permit tells already."""
    if what == "case_opened" and case.kind == CaseKind.HEARING:
        return "hearing_opened"
    if what != "case_closed" or case.outcome not in (Outcome.GRANTED, Outcome.REFUSED):
        return what
    is_granted = case.outcome == Outcome.GRANTED
    if case.kind == CaseKind.APPLICATION:
        return None if is_granted else "permit_refused"
    if case.kind == CaseKind.APPEAL:
        return "appeal_granted" if is_granted else "appeal_refused"
    return what


def _readers(case: CaseFile, seen_by: str) -> set[User]:
    """The people of the sides for whose eyes something in a case is."""
    team = team_of(case.provider) if case.provider else set()
    told: set[User] = set()
    if seen_by in EYES[For.OPENER]:
        told |= {case.opened_by} | (team if case.is_for_provider else set())
    if seen_by in EYES[For.PROVIDER]:
        told |= team
    return told


def _moment(at: datetime) -> dict[str, str | int]:
    """A moment on the clocks of the city."""
    city = current_city()
    return words.moment(at, city.timezone if city else "UTC")
