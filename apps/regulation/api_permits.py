"""A provider's permits and applications, for programs."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem, Told
from apps.parties.authentication import asking
from apps.parties.queries import providers_of
from apps.regulation import operations
from apps.regulation import queries_applications as read
from apps.regulation.api_cases import (
    KEY,
    NO_CITY,
    PROBLEMS,
    CaseWhole,
    city_here,
    key_of,
    scan_of,
    shown,
)
from apps.regulation.models import Permit
from apps.regulation.operations.cases import LONGEST
from apps.regulation.queries_applications import Progress, Wanted

PERMIT_PROBLEMS: dict[type[Exception], problems.Answer] = {
    **PROBLEMS,
    operations.NotOffered: Problem(
        404, "not_offered", _("The city takes no applications for this.")
    ),
    operations.NotAskedFor: Problem(404, "not_asked_for", _("The city asks for no such paper.")),
}


class PermitOut(serializers.Serializer[Permit]):
    """A permit of a provider of yours."""

    number = serializers.CharField()
    provider = serializers.UUIDField(source="provider.ref")
    vertical = serializers.CharField()
    valid_from = serializers.SerializerMethodField()
    valid_until = serializers.SerializerMethodField()
    conditions = serializers.CharField()
    state = serializers.SerializerMethodField(
        help_text="holds, ends_soon (within 60 days), begins, over, suspended or revoked"
    )
    reason = serializers.SerializerMethodField()

    def get_valid_from(self, permit: Permit) -> datetime | None:
        begins: datetime | None = permit.valid.lower
        return begins

    def get_valid_until(self, permit: Permit) -> datetime | None:
        ends: datetime | None = permit.valid.upper
        return ends

    def get_reason(self, permit: Permit) -> str:
        return permit.reason or permit.suspended_for

    def get_state(self, permit: Permit) -> str:
        return permit.state_at(clock.now())


class WantedOut(serializers.Serializer[Wanted]):
    """One document of the checklist."""

    kind = serializers.CharField(source="requirement.kind")
    title = serializers.CharField(source="requirement.title")
    state = serializers.CharField(help_text="missing, sent, accepted or refused")
    reason = serializers.SerializerMethodField()

    def get_reason(self, one: Wanted) -> str:
        return one.latest.reason if one.latest else ""


class ProgressOut(serializers.Serializer[Progress]):
    """How far an application is."""

    checklist = WantedOut(many=True)
    fee_minor = serializers.IntegerField(source="application.fee_minor")
    paid_at = serializers.DateTimeField(source="application.paid_at", allow_null=True)
    inspection_at = serializers.DateTimeField(source="application.inspection_at", allow_null=True)
    is_passed = serializers.BooleanField(source="application.is_passed", allow_null=True)
    lacks = serializers.ListField(
        child=serializers.ChoiceField(choices=["documents", "fee", "inspection"])
    )
    permit = serializers.SerializerMethodField()

    def get_permit(self, progress: Progress) -> str | None:
        permit = progress.application.permit
        return permit.number if permit else None


class ApplicationIn(Asked):
    provider = serializers.UUIDField(help_text="The reference of a provider of yours.")
    vertical = serializers.SlugField()
    words = serializers.CharField(max_length=LONGEST, help_text="What you want to offer, where.")


class DocumentIn(Asked):
    kind = serializers.SlugField(max_length=30)
    file = serializers.FileField(help_text="JPEG, PNG or WebP up to 10 MB, PDF up to 5 MB.")


@extend_schema(tags=["permits"])
class Permits(APIView):
    @extend_schema(summary="List the permits of your providers", responses=PermitOut(many=True))
    def get(self, request: Request) -> Response:
        return Response([PermitOut(one).data for one in read.permits_of(asking(request))])


@extend_schema(tags=["permits"])
class Applications(APIView):
    complaints = (*PERMIT_PROBLEMS.values(), NO_CITY)

    @extend_schema(
        summary="Apply for a permit",
        request=ApplicationIn,
        responses={201: CaseWhole},
        parameters=[KEY],
    )
    def post(self, request: Request) -> Response:
        asked = ApplicationIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user, told = asking(request), asked.validated_data
        key = key_of(request, user, "application")
        provider = providers_of(user, "operate_provider").get(ref=told["provider"])
        with problems.told(PERMIT_PROBLEMS):
            made = operations.apply_for_permit(
                key=key,
                city_id=city_here().pk,
                vertical=told["vertical"],
                provider_id=provider.pk,
                words=told["words"],
                person_id=user.pk,
                by=user.acting(Kind.PROVIDER),
                at=clock.now(),
            )
        return Response(shown(user, made.case.ref).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["permits"])
class OneApplication(APIView):
    complaints = (*PERMIT_PROBLEMS.values(), NO_CITY)
    parser_classes = (MultiPartParser,)

    @extend_schema(summary="Show how far an application is", responses=ProgressOut)
    def get(self, request: Request, ref: UUID) -> Response:
        return Response(ProgressOut(_progress(request, ref)).data)

    @extend_schema(
        summary="Send a document of an application",
        description="It takes the place of the one before. The same file again changes nothing.",
        request=DocumentIn,
        responses={201: ProgressOut},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = DocumentIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user = asking(request)
        progress = _progress(request, ref)
        scan = scan_of(asked.validated_data)
        assert scan is not None
        with problems.told(PERMIT_PROBLEMS):
            operations.send_document(
                case_id=progress.application.case_id,
                kind=asked.validated_data["kind"],
                scan=scan,
                person_id=user.pk,
                by=user.acting(Kind.PROVIDER),
                at=clock.now(),
            )
        return Response(ProgressOut(_progress(request, ref)).data, status=status.HTTP_201_CREATED)


def _progress(request: Request, ref: UUID) -> Progress:
    seat = shown(asking(request), ref).context["seat"]
    application = read.application_of(seat.case.pk)
    if application is None:
        raise Told(Problem(404, "not_found", _("There is no such thing, or it is not yours.")))
    return read.progress_of(application)
