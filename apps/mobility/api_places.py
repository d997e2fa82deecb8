from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.mobility import queries
from apps.parties.authentication import asking


class RecentOut(serializers.Serializer[Any]):
    """Where a ride of yours ended."""

    address = serializers.CharField()
    lat = serializers.FloatField(source="point.lat")
    lon = serializers.FloatField(source="point.lon")


@extend_schema(tags=["me"])
class RecentPlaces(APIView):
    @extend_schema(
        summary="List where you went last",
        description="Read from your own rides that were driven, each place once.",
        responses=RecentOut(many=True),
    )
    def get(self, request: Request) -> Response:
        recent = queries.recent_places(asking(request).pk, limit=10)
        return Response(RecentOut(recent, many=True).data)
