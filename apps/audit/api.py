"""The proof of one event, and the published roots."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.audit import queries
from apps.audit.models import Look
from apps.audit.seals import LOOKS, NoSuchStream, names
from apps.kernel import problems
from apps.kernel.asked import InAddress
from apps.kernel.problems import Problem

NOT_FOUND = Problem(404, "not_found", _("There is no such row that is about you."))
PROBLEMS = {
    NoSuchStream: NOT_FOUND,
    queries.NoSuchRow: NOT_FOUND,
    queries.NotYetSealed: Problem(
        409, "not_sealed_yet", _("This is not sealed yet. Ask again in a minute or two.")
    ),
}


class SealOut(serializers.Serializer[Any]):
    """A seal: what it states, the hash of that, and the signature over the hash."""

    statement = serializers.DictField()
    digest = serializers.CharField()
    signature = serializers.CharField()


class ProofOut(serializers.Serializer[Any]):
    """That a row stands in a log: the row, the way to the Merkle root, and the signed root."""

    format = serializers.CharField()
    stream = serializers.CharField()
    row = serializers.CharField(help_text="The bytes that were hashed, in UTF-8")
    index = serializers.IntegerField(help_text="Its place in the seal, from 0")
    path = serializers.ListField(child=serializers.CharField())
    seal = SealOut()


class RootsIn(InAddress):
    stream = serializers.ChoiceField(choices=[], required=False, help_text="Only this log")
    before = serializers.IntegerField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        help_text="Only older ones, as an answer said",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stream"].choices = names()  # type: ignore[attr-defined]


class RootsOut(serializers.Serializer[Any]):
    keys = serializers.ListField(child=serializers.CharField())
    roots = SealOut(many=True)
    before = serializers.IntegerField(allow_null=True, help_text="Ask with this for older ones")


class Proof(APIView):
    complaints_when_read = tuple(PROBLEMS.values())

    @extend_schema(
        operation_id="evidence_proof",
        summary="The proof of one event",
        description="For whoever the row is about. `manage.py verify_evidence` checks it.",
        responses=ProofOut,
        tags=["evidence"],
    )
    def get(self, request: Request, stream: str, row_id: int) -> Response:
        with problems.told(PROBLEMS):
            told = queries.proof_for(stream, row_id, int(request.user.pk or 0))
        file = f'attachment; filename="proof-{stream}-{row_id}.json"'
        headers = {"Content-Disposition": file, "Cache-Control": "private, no-store"}
        return Response(told, headers=headers)


class LookOut(serializers.Serializer[Look]):
    """Somebody of the city looked at what it knows of you."""

    id = serializers.IntegerField()
    looked_at = serializers.DateTimeField()
    by = serializers.CharField(help_text="In what part, and the number of the account")
    what = serializers.CharField(help_text="The kind of row, like orders.order")
    row = serializers.CharField()
    why = serializers.CharField(help_text="As they stated it; empty if they did not")
    inspection = serializers.UUIDField(
        allow_null=True, help_text="The same for all that was seen in one inspection of you"
    )
    proof = serializers.SerializerMethodField()

    def get_proof(self, look: Look) -> str:
        return reverse("api-evidence-proof", args=[LOOKS, look.pk])


@extend_schema_view(
    get=extend_schema(
        operation_id="my_looks",
        summary="Who looked at my data",
        description="Every time somebody of the city opened what it knows of you; newest first.",
        tags=["evidence"],
    )
)
class Looks(generics.ListAPIView[Look]):
    serializer_class = LookOut
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Look]:
        return queries.looks_at(int(self.request.user.pk or 0))


class Roots(APIView):
    """What is published of every seal: for anybody, to keep and to compare with later."""

    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="evidence_roots",
        summary="The roots and the public key",
        parameters=[RootsIn],
        responses=RootsOut,
        tags=["evidence"],
    )
    def get(self, request: Request) -> Response:
        asked = RootsIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        told = queries.published(**asked.validated_data)
        return Response(told, headers={"Cache-Control": "public, max-age=30"})
