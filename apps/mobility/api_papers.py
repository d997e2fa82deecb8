"""A driver's papers, for programs: what the city asks for, and sending one."""

from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.mobility.operations import VERTICAL
from apps.parties.authentication import asking
from apps.places.current import current_city
from apps.places.models import City
from apps.regulation import operations as regulation
from apps.regulation import scans
from apps.regulation.queries import Demand, demands
from apps.regulation.scans import BAD_SCANS

PROBLEMS = {
    regulation.NotAskedFor: Problem(
        404, "not_asked_for", gettext_lazy("The city asks for no such paper.")
    ),
    regulation.PaperRanOut: Problem(
        422, "paper_ran_out", gettext_lazy("This day is over. Send a paper that still holds.")
    ),
}

NO_CITY = Problem(503, "no_city", gettext_lazy("The city is not open yet."))


class PaperOut(serializers.Serializer[Demand]):
    """One paper that the city asks for, and how far you are with it."""

    kind = serializers.CharField(source="requirement.kind")
    title = serializers.SerializerMethodField()
    state = serializers.CharField(
        help_text="missing, sent, refused, accepted, ends_soon or ran_out"
    )
    days = serializers.IntegerField(allow_null=True, help_text="Left of the accepted one.")
    number = serializers.SerializerMethodField()
    expires_on = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    scan = serializers.SerializerMethodField()

    def get_title(self, one: Demand) -> str:
        return _(one.requirement.title)

    def get_number(self, one: Demand) -> str | None:
        return one.latest.number if one.latest else None

    def get_expires_on(self, one: Demand) -> date | None:
        return one.latest.expires_on if one.latest else None

    def get_reason(self, one: Demand) -> str:
        return one.latest.reason if one.latest else ""

    def get_scan(self, one: Demand) -> str | None:
        return reverse("regulation:scan", args=[one.latest.ref]) if one.latest else None


class PaperIn(Asked):
    kind = serializers.SlugField(max_length=30)
    number = serializers.CharField(max_length=50)
    expires_on = serializers.DateField()
    scan = serializers.FileField(help_text="JPEG, PNG or WebP up to 10 MB, PDF up to 5 MB.")


def _city() -> City:
    city = current_city()
    if city is None:
        raise problems.Told(NO_CITY)
    return city


@extend_schema(tags=["driver"])
class Papers(APIView):
    complaints = (*PROBLEMS.values(), NO_CITY)
    complaints_when_read = (NO_CITY,)
    parser_classes = (MultiPartParser,)

    @extend_schema(
        summary="List the papers that the city asks of you", responses=PaperOut(many=True)
    )
    def get(self, request: Request) -> Response:
        asked = demands(asking(request).pk, _city(), VERTICAL, clock.now())
        return Response([PaperOut(one).data for one in asked])

    @extend_schema(summary="Send a paper to be checked", request=PaperIn, responses={201: PaperOut})
    def post(self, request: Request) -> Response:
        told = PaperIn(data=request.data)
        told.is_valid(raise_exception=True)
        user, city, at = asking(request), _city(), clock.now()
        file = told.validated_data.pop("scan")
        try:
            scan = scans.read(file, file.size)
        except scans.BadScan as bad:
            raise serializers.ValidationError({"scan": [BAD_SCANS[bad.code]]}) from bad
        with problems.told(PROBLEMS):
            paper = regulation.send_paper(
                holder_id=user.pk,
                city_id=city.pk,
                vertical=VERTICAL,
                **told.validated_data,
                scan=scan,
                by=user.acting(Kind.WORKER),
                at=at,
            )
        asked = demands(user.pk, city, VERTICAL, at)
        mine = next(one for one in asked if one.requirement.pk == paper.requirement_id)
        return Response(PaperOut(mine).data, status=status.HTTP_201_CREATED)
