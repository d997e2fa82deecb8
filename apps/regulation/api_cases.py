"""A person's cases, for programs: reading them, complaining, and saying something."""

from typing import Any
from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import generics, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.asked import JSON, Asked
from apps.kernel.problems import Problem, Told
from apps.parties.authentication import asking
from apps.parties.models import Provider, User
from apps.places.current import current_city
from apps.places.models import City
from apps.regulation import operations, scans
from apps.regulation import queries_cases as read
from apps.regulation.models import CaseEvent, CaseFile, CaseKind
from apps.regulation.operations.cases import LONGEST

KEYS = UUID("5d0f7a1e-8b2f-4a5d-9a59-0d6f6f2a4c31")


def already(no: Exception) -> Problem:
    """That there is a case about the same, and which, if it is theirs."""
    assert isinstance(no, operations.AlreadyOpened)
    said = _("There is a case about this already.")
    return Problem(409, "already_opened", said, {"case": no.ref and str(no.ref)})


PROBLEMS: dict[type[Exception], problems.Answer] = {
    operations.CaseClosed: Problem(409, "case_closed", _("The case is closed.")),
    operations.NoSuchCase: Problem(
        404, "not_found", _("There is no such thing, or it is not yours.")
    ),
    operations.TooMany: Problem(
        429, "too_many_cases", _("The office has a lot from you already. Wait for its answer.")
    ),
    operations.AlreadyOpened: already,
}
NO_CITY = Problem(503, "no_city", _("The city is not open yet."))
KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"},
    OpenApiParameter.HEADER,
    required=True,
    description="Any text of up to 200 signs. Sent again, it is the same case or statement.",
)

ABOUT = [CaseFile.About.PROVIDER, CaseFile.About.ORDER, CaseFile.About.LISTING]


class EventOut(serializers.Serializer[CaseEvent]):
    """One thing that was done or said."""

    what = serializers.ChoiceField(choices=CaseEvent.What.choices)
    words = serializers.CharField()
    at = serializers.DateTimeField()
    is_yours = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()

    def get_is_yours(self, event: CaseEvent) -> bool:
        return bool(event.person_id == self.context["person"])

    def get_file(self, event: CaseEvent) -> str | None:
        if not event.scan:
            return None
        return reverse("regulation:case-file", args=[event.case.ref, event.ref])


class CaseOut(serializers.Serializer[CaseFile]):
    """A case with the city."""

    ref = serializers.UUIDField()
    number = serializers.CharField()
    kind = serializers.ChoiceField(choices=CaseKind.choices)
    about_kind = serializers.ChoiceField(choices=CaseFile.About.choices)
    about = serializers.CharField()
    title = serializers.SerializerMethodField(help_text="What it is about.")
    state = serializers.ChoiceField(choices=CaseFile.State.choices)
    outcome = serializers.CharField()
    opened_at = serializers.DateTimeField()
    due_on = serializers.DateField(help_text="The day by which the city answers.")
    closed_at = serializers.DateTimeField(allow_null=True)

    def get_title(self, case: CaseFile) -> str:
        return read.title_of(case)


class CaseWhole(CaseOut):
    """A case with all of its history that is meant for you."""

    is_asked = serializers.SerializerMethodField(help_text="Whether the city waits for your words.")
    events = serializers.SerializerMethodField()

    def get_is_asked(self, case: CaseFile) -> bool:
        return bool(self.context["seat"].is_asked)

    @extend_schema_field(EventOut(many=True))
    def get_events(self, case: CaseFile) -> list[dict[str, Any]]:
        events = self.context["seat"].events.select_related("case")
        return list(EventOut(events, many=True, context=self.context).data)


class WordsIn(Asked):
    words = serializers.CharField(max_length=LONGEST)


class StatementIn(WordsIn):
    """Words, and a file, which only a form can carry."""

    file = serializers.FileField(
        required=False, help_text="JPEG, PNG or WebP up to 10 MB, PDF up to 5 MB."
    )


class ComplaintSaid(WordsIn):
    provider = serializers.UUIDField(help_text="The provider's reference.")
    about_kind = serializers.ChoiceField(
        choices=ABOUT,
        default=CaseFile.About.PROVIDER,
    )
    about = serializers.CharField(
        max_length=100,
        allow_blank=True,
        default="",
        help_text="The order's or the offer's reference.",
    )
    title = serializers.CharField(max_length=160, help_text="In a few words.")

    def validate(self, told: dict[str, Any]) -> dict[str, Any]:
        provider = Provider.objects.filter(ref=told["provider"], permits__isnull=False).first()
        if provider is None:
            raise serializers.ValidationError({"provider": [_("There is no such provider.")]})
        if told["about_kind"] == CaseFile.About.PROVIDER:
            told["about"] = str(provider.ref)
        elif not told["about"]:
            raise serializers.ValidationError({"about": [_("Say which.")]})
        return told | {"provider": provider}


class ComplaintIn(ComplaintSaid, StatementIn):
    """A complaint, and a file, which only a form can carry."""


STATEMENT = {"application/json": WordsIn, "multipart/form-data": StatementIn}
COMPLAINT = {"application/json": ComplaintSaid, "multipart/form-data": ComplaintIn}


def key_of(request: Request, user: User, what: str) -> UUID:
    """One person's key never meets another's, nor a case a statement."""
    name = request.headers.get("Idempotency-Key", "").strip()
    if not 1 <= len(name) <= 200:
        raise Told(Problem(400, "key_needed", _("Send an Idempotency-Key of up to 200 signs.")))
    return uuid5(KEYS, f"{user.pk}:{what}:{name}")


def scan_of(told: dict[str, Any]) -> scans.Scan | None:
    """The file of a request, made safe to keep."""
    file = told.get("file")
    if file is None:
        return None
    try:
        return scans.read(file, file.size)
    except scans.BadScan as bad:
        raise serializers.ValidationError({"file": [scans.BAD_SCANS[bad.code]]}) from bad


def shown(user: User, ref: UUID) -> CaseWhole:
    """A case as its side sees it; other people's are not found."""
    seat = read.seat_of(user, ref)
    if seat is None:
        raise Told(Problem(404, "not_found", _("There is no such thing, or it is not yours.")))
    return CaseWhole(seat.case, context={"seat": seat, "person": user.pk})


def city_here() -> City:
    city = current_city()
    if city is None:
        raise Told(NO_CITY)
    return city


@extend_schema(tags=["cases"])
@extend_schema_view(get=extend_schema(summary="List your cases with the city, newest first"))
class Cases(generics.ListAPIView[CaseFile]):
    complaints = (*PROBLEMS.values(), NO_CITY)
    serializer_class = CaseOut
    parser_classes = (JSON, MultiPartParser)
    ordering = ("-pk",)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return CaseFile.objects.none()
        return read.cases_of(asking(self.request))

    @extend_schema(
        summary="Complain of a provider",
        request=COMPLAINT,
        responses={201: CaseWhole},
        parameters=[KEY],
    )
    def post(self, request: Request) -> Response:
        asked = ComplaintIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user, told = asking(request), asked.validated_data
        key, scan = key_of(request, user, "complaint"), scan_of(told)
        with problems.told(PROBLEMS):
            case = operations.open_case(
                key=key,
                city_id=city_here().pk,
                kind=CaseKind.COMPLAINT,
                about_kind=told["about_kind"],
                about=told["about"],
                title=told["title"],
                words=told["words"],
                opened_by_id=user.pk,
                provider_id=told["provider"].pk,
                scan=scan,
                by=user.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        return Response(shown(user, case.ref).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["cases"])
class OneCase(APIView):
    @extend_schema(summary="Show one case of yours", responses=CaseWhole)
    def get(self, request: Request, ref: UUID) -> Response:
        return Response(shown(asking(request), ref).data)


@extend_schema(tags=["cases"])
class Statements(APIView):
    complaints = (*PROBLEMS.values(), NO_CITY)
    parser_classes = (JSON, MultiPartParser)

    @extend_schema(
        summary="Say something in a case of yours",
        request=STATEMENT,
        responses={201: CaseWhole},
        parameters=[KEY],
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = StatementIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user = asking(request)
        seat = shown(user, ref).context["seat"]
        key, scan = key_of(request, user, str(ref)), scan_of(asked.validated_data)
        with problems.told(PROBLEMS):
            operations.add_statement(
                key=key,
                case_id=seat.case.pk,
                person_id=user.pk,
                words=asked.validated_data["words"],
                scan=scan,
                by=user.acting(seat.speaks_as),
                at=clock.now(),
            )
        return Response(shown(user, ref).data, status=status.HTTP_201_CREATED)
