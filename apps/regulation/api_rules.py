"""The city's rules for programs: in words, and as they are asked."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock
from apps.kernel.problems import Problem
from apps.places.current import current_city
from apps.regulation import rulebook
from apps.regulation.models import PolicyVersion


class RuleSerializer(serializers.Serializer[rulebook.Said]):
    number = serializers.CharField(source="version.policy.number", help_text="Such as P-7")
    version = serializers.IntegerField(source="version.version")
    standing = serializers.ChoiceField(choices=["in_force", "planned"])
    kind = serializers.ChoiceField(
        source="version.kind", choices=[(kind.value, kind.value) for kind in PolicyVersion.Kind]
    )
    title = serializers.CharField(source="version.title")
    words = serializers.ListField(
        source="sentences",
        child=serializers.CharField(),
        help_text="What it says, in the language of the question",
    )
    why = serializers.CharField(source="version.why")
    begins = serializers.DateTimeField()
    ends = serializers.DateTimeField(allow_null=True)
    scope = serializers.JSONField(
        source="version.scope",
        help_text="Where, when and whom it concerns; what is left out is not limited",
    )
    terms = serializers.JSONField(
        source="version.terms", help_text="Minor units of money and hundredths of a percent"
    )


class RulesSerializer(serializers.Serializer[dict[str, Any]]):
    city = serializers.SlugField()
    at = serializers.DateTimeField()
    rules = RuleSerializer(many=True)


class Rules(APIView):
    """The rules that are in force and those that are planned."""

    complaints_when_read = (Problem(404, "not_found", ""),)
    permission_classes = [AllowAny]

    @extend_schema(operation_id="rules", responses=RulesSerializer, tags=["places"])
    def get(self, request: Request) -> Response:
        city = current_city()
        if city is None:
            raise Http404
        at = clock.now()
        found = [said for entry in rulebook.holding(city, at) for said in entry.versions]
        return Response(RulesSerializer({"city": city.slug, "at": at, "rules": found}).data)
