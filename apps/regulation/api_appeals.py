"""Contesting a refusal of the city, for programs."""

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
from apps.kernel.asked import JSON
from apps.kernel.problems import Problem, Told
from apps.parties.authentication import asking
from apps.regulation import operations
from apps.regulation import queries_appeals as read
from apps.regulation.api_cases import PROBLEMS, STATEMENT, CaseWhole, StatementIn, scan_of, shown
from apps.regulation.queries_appeals import Contest

NO_SUCH = Problem(404, "not_found", _("There is no such thing, or it is not yours."))
APPEAL_PROBLEMS: dict[type[Exception], problems.Answer] = {
    **PROBLEMS,
    operations.NoSuchDecision: NO_SUCH,
    operations.TooLateToAppeal: Problem(
        410, "too_late_to_appeal", _("A refusal can be appealed for 30 days.")
    ),
}


class RefusalOut(serializers.Serializer[Contest]):
    """What the city said no to, by which rule, and how it can be contested."""

    decision = serializers.UUIDField(source="decision.ref")
    refusal = serializers.CharField(source="decision.refusal")
    rule = serializers.CharField(source="decision.rule")
    says = serializers.CharField()
    decided_at = serializers.DateTimeField(source="decision.decided_at")
    appeal_until = serializers.SerializerMethodField()
    case = serializers.SerializerMethodField(help_text="The appeal that was brought already.")

    def get_appeal_until(self, contest: Contest) -> datetime:
        return contest.until

    def get_case(self, contest: Contest) -> UUID | None:
        return contest.case.ref if contest.case else None


@extend_schema(tags=["cases"])
class Appeal(APIView):
    complaints = tuple(APPEAL_PROBLEMS.values())
    parser_classes = (JSON, MultiPartParser)

    @extend_schema(summary="Show a refusal and how to appeal it", responses=RefusalOut)
    def get(self, request: Request, ref: UUID) -> Response:
        contest = read.contest_of(asking(request), ref)
        if contest is None:
            raise Told(NO_SUCH)
        return Response(RefusalOut(contest).data)

    @extend_schema(
        summary="Appeal a refusal",
        description="Within 30 days, once from each side. Sent again, it is the same appeal.",
        request=STATEMENT,
        responses={201: CaseWhole},
    )
    def post(self, request: Request, ref: UUID) -> Response:
        asked = StatementIn(data=request.data)
        asked.is_valid(raise_exception=True)
        user = asking(request)
        contest = read.contest_of(user, ref)
        for_provider = contest is not None and contest.is_for_provider
        with problems.told(APPEAL_PROBLEMS):
            case = operations.appeal_decision(
                ref=ref,
                person_id=user.pk,
                words=asked.validated_data["words"],
                scan=scan_of(asked.validated_data),
                by=user.acting(Kind.PROVIDER if for_provider else Kind.CONSUMER),
                at=clock.now(),
            )
        return Response(shown(user, case.ref).data, status=status.HTTP_201_CREATED)
