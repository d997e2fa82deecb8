"""Applications for permits: sent, checked, paid, inspected, and granted or refused with words."""

from datetime import datetime
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties.models import User
from apps.regulation import queries_applications as read
from apps.regulation.models import (
    Application,
    CaseFile,
    CaseKind,
    Document,
    Outcome,
    Permit,
    PermitTerms,
)
from apps.regulation.operations.cases import (
    AlreadyOpened,
    CaseClosed,
    NoSuchCase,
    NotTheirs,
    conclude,
    open_case,
    tell_side,
)
from apps.regulation.operations.papers import AlreadyDecided, NotAskedFor
from apps.regulation.operations.permits import grant_permit
from apps.regulation.queries_cases import side_of
from apps.regulation.scans import Scan

State = Document.State


class NotOffered(Exception):
    """The city takes no applications for this kind of service."""


class NotReady(Exception):
    """Something is missing before the permit can be given.  `lacks` says what."""

    def __init__(self, lacks: list[str]) -> None:
        super().__init__(", ".join(lacks))
        self.lacks = lacks


@transaction.atomic
def set_permit_terms(
    *,
    city_id: int,
    vertical: str,
    title: str,
    fee_minor: int,
    fee_is_refundable: bool = False,
    months: int,
    needs_inspection: bool,
    series: str,
    by: Actor,
    at: datetime,
) -> PermitTerms:
    """Say on what terms the city gives permits.  Applications that came in keep their fee."""
    said = {
        "title": title,
        "fee_minor": fee_minor,
        "fee_is_refundable": fee_is_refundable,
        "months": months,
        "needs_inspection": needs_inspection,
        "series": series,
    }
    known = PermitTerms.objects.locked().filter(city=city_id, vertical=vertical).first()
    if known and all(getattr(known, name) == value for name, value in said.items()):
        return known
    terms, _is_new = PermitTerms.objects.update_or_create(
        city_id=city_id, vertical=vertical, defaults=said
    )
    bus.publish(
        "regulation.permit_terms_set", by=by, at=at, city=city_id, vertical=vertical, **said
    )
    return terms


@transaction.atomic
def apply_for_permit(
    *,
    key: UUID,
    city_id: int,
    vertical: str,
    provider_id: int,
    words: str,
    person_id: int,
    by: Actor,
    at: datetime,
) -> Application:
    """Ask for a permit for a provider.  The same `key` is one application.

    Raises `NotOffered`, `AlreadyOpened` where one is open, `TooMany`, and `ValueError`.
    """
    terms = PermitTerms.objects.filter(city=city_id, vertical=vertical).first()
    if terms is None:
        raise NotOffered(vertical)
    case = open_case(
        key=key,
        city_id=city_id,
        kind=CaseKind.APPLICATION,
        about_kind=CaseFile.About.PERMIT,
        about=vertical,
        title=terms.title,
        words=words,
        opened_by_id=person_id,
        provider_id=provider_id,
        is_for_provider=True,
        vertical=vertical,
        by=by,
        at=at,
    )
    if (case.provider_id, case.vertical) != (provider_id, vertical):
        raise AlreadyOpened
    frozen = {"fee_minor": terms.fee_minor, "fee_is_refundable": terms.fee_is_refundable}
    made, _is_new = Application.objects.get_or_create(
        case=case, defaults={"terms": terms, **frozen}
    )
    return made


def send_document(
    *, case_id: int, kind: str, scan: Scan, person_id: int, by: Actor, at: datetime
) -> Document:
    """Hand in one document of the checklist.  It takes the place of the one before.

    The same file again changes nothing.  Raises `NoSuchCase` for somebody on another side,
    `NotAskedFor`, and `CaseClosed`.
    """
    document = Document(format=scan.format, digest=scan.digest, sent_at=at)
    document.scan.save("", ContentFile(scan.content), save=False)
    try:
        kept = _hand_in(document, case_id, kind, User.objects.get(pk=person_id), by, at)
    except BaseException:
        document.scan.storage.delete(str(document.scan.name))
        raise
    if kept is not document:
        document.scan.storage.delete(str(document.scan.name))
    return kept


@transaction.atomic
def check_document(
    *, document_id: int, reason: str, officer_id: int, by: Actor, at: datetime
) -> None:
    """Accept a document, or with a reason refuse it.  The first word stands; again is harmless.

    Raises `AlreadyDecided`, `CaseClosed`, and `NotTheirs` for an officer who does not work on it.
    """
    case_id = Document.objects.values_list("application", flat=True).get(pk=document_id)
    _worked_on(case_id, officer_id)
    document = Document.objects.select_related("requirement").get(pk=document_id)
    said = State.REFUSED if reason.strip() else State.ACCEPTED
    if document.state == said:
        return
    if document.state != State.SENT:
        raise AlreadyDecided(document.state)
    document.state, document.reason = said, reason.strip()
    document.save(update_fields=["state", "reason"])
    words = f"{document}: {document.get_state_display()}. {reason.strip()}".strip()
    tell_side(case_id=case_id, words=words, person_id=officer_id, by=by, at=at)


@transaction.atomic
def set_inspection(
    *, case_id: int, moment: datetime, officer_id: int, by: Actor, at: datetime
) -> None:
    """Say when an inspector comes.  Another moment moves it; the same again is harmless.

    Raises `NotTheirs`, `CaseClosed`, `NoSuchCase`, and `ValueError` for the past.
    """
    application = _worked_on(case_id, officer_id)
    if application.inspection_at == moment:
        return
    if moment < at:
        raise ValueError("nobody is inspected in the past")
    application.inspection_at = moment
    application.inspected_at = application.is_passed = None
    application.save(update_fields=["inspection_at", "inspected_at", "is_passed"])
    bus.publish("regulation.inspection_set", by=by, at=at, case=case_id, moment=moment)


@transaction.atomic
def note_inspection(
    *, case_id: int, is_passed: bool, words: str, officer_id: int, by: Actor, at: datetime
) -> None:
    """Say what an inspector found.  The same again is harmless.  Raises as `set_inspection`."""
    application = _worked_on(case_id, officer_id)
    if application.is_passed is is_passed:
        return
    application.inspected_at, application.is_passed = at, is_passed
    application.save(update_fields=["inspected_at", "is_passed"])
    tell_side(case_id=case_id, words=words, person_id=officer_id, by=by, at=at)


@transaction.atomic
def decide_application(
    *,
    case_id: int,
    officer_id: int,
    outcome: str,
    words: str,
    conditions: str = "",
    by: Actor,
    at: datetime,
) -> Application:
    """Grant the permit, under the next number of the series, or refuse it with words.

    Twice is harmless.  Raises `NotReady` while something is missing, `PermitOverlaps` where the
    provider has a permit without an end, and as `close_case`.
    """
    application = locked(case_id, even_closed=True)
    if not application.case.is_open:
        conclude(case_id=case_id, officer_id=officer_id, outcome=outcome, words=words, by=by, at=at)
        return application
    if outcome == Outcome.GRANTED and (lacks := read.progress_of(application).lacks):
        raise NotReady(lacks)
    conclude(case_id=case_id, officer_id=officer_id, outcome=outcome, words=words, by=by, at=at)
    if outcome == Outcome.GRANTED:
        issue(application, conditions, by, at)
    return application


def issue(application: Application, conditions: str, by: Actor, at: datetime) -> Permit:
    """Give the permit of an application: from now on, or from the end of the one that holds."""
    # Numbers are given one after the other.
    terms = PermitTerms.objects.locked().select_related("city").get(pk=application.terms_id)
    provider_id = application.case.provider_id
    assert provider_id is not None
    held = Permit.objects.filter(
        provider=provider_id, vertical=terms.vertical, revoked_at=None, valid__endswith__gt=at
    )
    ends = [permit.valid.upper for permit in held]
    begins = max(ends, default=at)
    number = ""
    while not number or Permit.objects.filter(number=number).exists():
        # A number may have come in with the city's old permits.
        terms.given += 1
        number = f"{terms.series}-{terms.city.now(at):%Y}-{terms.given:04}"
    terms.save(update_fields=["given"])
    permit = grant_permit(
        provider_id=provider_id,
        vertical=terms.vertical,
        number=number,
        valid_from=begins,
        valid_until=read.months_after(begins, terms.months, terms.city),
        conditions=conditions.strip(),
        by=by,
        at=at,
    )
    application.permit = permit
    application.save(update_fields=["permit"])
    return permit


@transaction.atomic
def _hand_in(
    document: Document, case_id: int, kind: str, person: User, by: Actor, at: datetime
) -> Document:
    application = locked(case_id)
    if not side_of(application.case, person):
        raise NoSuchCase(str(case_id))
    terms = application.terms
    asked = read.asked_of_providers(terms.city_id, terms.vertical).filter(kind=kind).first()
    if asked is None:
        raise NotAskedFor(kind)
    before = application.documents.filter(requirement=asked, state__in=[State.SENT, State.ACCEPTED])
    if same := before.filter(digest=document.digest).first():
        return same
    before.update(state=State.REPLACED)
    document.application, document.requirement = application, asked
    document.save()
    bus.publish(
        "regulation.document_sent", by=by, at=at, case=case_id, document=document.pk, kind=kind
    )
    return document


def locked(case_id: int, *, even_closed: bool = False) -> Application:
    """The case is the parent, and is locked first."""
    case = CaseFile.objects.locked().filter(pk=case_id).first()
    application = read.application_of(case_id)
    if case is None or application is None:
        raise NoSuchCase(str(case_id))
    if not case.is_open and not even_closed:
        raise CaseClosed
    return application


def _worked_on(case_id: int, officer_id: int) -> Application:
    application = locked(case_id)
    if application.case.owner_id != officer_id:
        raise NotTheirs
    return application
