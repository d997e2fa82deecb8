"""Applications for permits, read: what the city asks, and how far a provider is with it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.parties.models import User
from apps.parties.queries import providers_of
from apps.places.models import City
from apps.regulation import queries_cases
from apps.regulation.models import Application, Document, Permit, PermitTerms, Requirement


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document that the city asks of an applicant, and the latest that was sent."""

    requirement: Requirement
    latest: Document | None

    @property
    def state(self) -> str:
        """missing, sent, accepted or refused."""
        return self.latest.state.lower() if self.latest else "missing"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an application is."""

    application: Application
    checklist: list[Wanted]

    @property
    def owes(self) -> bool:
        return self.application.fee_minor > 0 and self.application.paid_at is None

    @property
    def waits_for_inspection(self) -> bool:
        return self.application.terms.needs_inspection and not self.application.is_passed

    @property
    def lacks(self) -> list[str]:
        """What is missing before a permit can be given: documents, fee, inspection."""
        lacking = []
        if any(one.state != "accepted" for one in self.checklist):
            lacking.append("documents")
        if self.owes:
            lacking.append("fee")
        if self.waits_for_inspection:
            lacking.append("inspection")
        return lacking


def asked_of_providers(city_id: int, vertical: str) -> QuerySet[Requirement]:
    asked = Requirement.objects.filter(city=city_id, vertical=vertical, dropped_at=None)
    return asked.filter(asked_of=Requirement.Of.PROVIDER).order_by("position", "pk")


def progress_of(application: Application) -> Progress:
    """The checklist of an application, document by document."""
    asked = asked_of_providers(application.terms.city_id, application.terms.vertical)
    sent = {one.requirement_id: one for one in application.documents.order_by("pk")}
    return Progress(application, [Wanted(one, sent.get(one.pk)) for one in asked])


def application_of(case_id: int) -> Application | None:
    found = Application.objects.select_related("terms__city", "case__provider", "permit")
    return found.filter(pk=case_id).first()


def terms_in(city: City) -> QuerySet[PermitTerms]:
    """What can be applied for."""
    return PermitTerms.objects.filter(city=city).order_by("title", "pk")


def permits_of(user: User) -> QuerySet[Permit]:
    """The permits of everybody for whom this person may act."""
    mine = providers_of(user, "operate_provider")
    found = Permit.objects.filter(provider__in=mine).select_related("provider")
    return found.order_by("provider__name", "-pk")


def document_open_to(user: User, case: UUID, ref: UUID) -> Document | None:
    """A document, if this person is on the applicant's side, or an officer with leave."""
    found = Document.objects.filter(ref=ref, application__case__ref=case).first()
    if found is None or (user.is_staff and user.has_perm("regulation.view_casefile")):
        return found
    return found if queries_cases.seat_of(user, case) else None


def months_after(moment: datetime, months: int, city: City) -> datetime:
    """The same day of the month so much later by the city's calendar, or the month's last."""
    shown = city.now(moment).replace(tzinfo=None)
    years, month = divmod(shown.month - 1 + months, 12)
    for day in range(shown.day, 27, -1):
        try:
            later = shown.replace(year=shown.year + years, month=month + 1, day=day)
        except ValueError:
            continue
        return later.replace(tzinfo=city.zone_info)
    later = shown.replace(year=shown.year + years, month=month + 1)
    return later.replace(tzinfo=city.zone_info)
