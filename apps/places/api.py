"""Places for programs: search, the name of a point, the city itself."""

import re
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import problems
from apps.kernel.asked import InAddress
from apps.kernel.problems import Problem
from apps.places import queries, routing
from apps.places.geometry import Point
from apps.places.models import City, Zone

OUTSIDE = Problem(422, "outside_city", _("One end of the trip lies outside the city."))
NO_CITY_SO_CALLED = Problem(404, "not_found", _("There is no such thing, or it is not yours."))
UNREACHABLE = Problem(422, "unreachable", _("There is no way by road from here to there."))


@extend_schema_field(
    {
        "type": "object",
        "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}},
        "required": ["lat", "lon"],
    }
)
class PointField(serializers.Field[Point, str, dict[str, float], Any]):
    """A point of WGS 84: read as "lat,lon", written as {"lat": ..., "lon": ...}."""

    def to_internal_value(self, data: Any) -> Point:
        try:
            return Point.parse(str(data))
        except ValueError:
            raise serializers.ValidationError(
                "Write the point as latitude,longitude.", code="invalid"
            ) from None

    def to_representation(self, value: Point) -> dict[str, float]:
        return {"lat": value.lat, "lon": value.lon}


# A point of the earth in decimal degrees, as people and programs write it.
WRITTEN = (
    r"-?(90(\.0{1,20})?|[1-8]?[0-9](\.[0-9]{1,20})?),"
    r"-?(180(\.0{1,20})?|(1[0-7][0-9]|[1-9]?[0-9])(\.[0-9]{1,20})?)"
)


@extend_schema_field({"type": "string", "pattern": f"^{WRITTEN}$", "example": "-29.9027,-71.2519"})
class PointAsked(PointField):
    """A point in an address."""

    def to_internal_value(self, data: Any) -> Point:
        if not re.fullmatch(WRITTEN, str(data)):
            raise serializers.ValidationError(
                "Write the point as latitude,longitude.", code="invalid"
            )
        return super().to_internal_value(data)


class SearchQuery(InAddress):
    city = serializers.SlugField(help_text="The city's slug")
    q = serializers.CharField(
        allow_blank=True, max_length=200, default="", help_text="What somebody typed"
    )
    near = PointAsked(required=False, help_text="lat,lon; nearer places are listed ahead")
    limit = serializers.IntegerField(min_value=1, max_value=20, default=8)


class ReverseQuery(InAddress):
    city = serializers.SlugField(help_text="The city's slug")
    point = PointAsked(help_text="lat,lon")


class RouteQuery(InAddress):
    city = serializers.SlugField(help_text="The city's slug")
    to = PointAsked(help_text="lat,lon of where to")

    def get_fields(self) -> dict[str, Any]:
        # A word of Python's own cannot stand above as a name.
        return {**super().get_fields(), "from": PointAsked(help_text="lat,lon of where from")}


class RouteSerializer(serializers.Serializer[routing.Route]):
    seconds = serializers.FloatField()
    metres = serializers.FloatField()
    is_estimate = serializers.BooleanField(help_text="Whether it is only a straight line")
    line = serializers.JSONField(help_text="The way as [lon, lat] pairs.")


class FoundSerializer(serializers.Serializer[queries.Found]):
    kind = serializers.ChoiceField(choices=["STREET", "CROSSING", "LANDMARK"])
    name = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    lat = serializers.FloatField(source="point.lat")
    lon = serializers.FloatField(source="point.lon")
    metres_away = serializers.FloatField(allow_null=True)


class FoundList(serializers.Serializer[dict[str, Any]]):
    results = FoundSerializer(many=True)


class ZoneSerializer(serializers.ModelSerializer[Zone]):
    class Meta:
        model = Zone
        fields = ["slug", "name", "kind"]


class NamedPoint(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(help_text="What people would call the point")
    is_inside = serializers.BooleanField(help_text="Whether it lies in the city")
    zones = ZoneSerializer(many=True)


class CitySerializer(serializers.ModelSerializer[City]):
    centre = PointField()
    zones = ZoneSerializer(many=True)

    class Meta:
        model = City
        fields = [
            "slug",
            "name",
            "timezone",
            "currency",
            "locale",
            "centre",
            "boundary",
            "streets_version",
            "tiles_version",
            "is_demo",
            "zones",
        ]


class Search(APIView):
    """The places that a text may mean, the likeliest first."""

    complaints_when_read = (NO_CITY_SO_CALLED,)
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="places_search", parameters=[SearchQuery], responses=FoundList, tags=["places"]
    )
    def get(self, request: Request) -> Response:
        asked = _read(SearchQuery, request)
        city = get_object_or_404(City, slug=asked["city"])
        found = queries.search(city, asked["q"], asked.get("near"), asked["limit"])
        return Response(FoundList({"results": found}).data)


class Reverse(APIView):
    """What people would call a point, and the zones it lies in."""

    complaints_when_read = (NO_CITY_SO_CALLED,)
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="places_reverse",
        parameters=[ReverseQuery],
        responses=NamedPoint,
        tags=["places"],
    )
    def get(self, request: Request) -> Response:
        asked = _read(ReverseQuery, request)
        city = get_object_or_404(City, slug=asked["city"])
        point: Point = asked["point"]
        told = {
            "name": queries.nearest_name(city, point),
            "is_inside": city.contains(point),
            "zones": queries.zones_at(city, point),
        }
        return Response(NamedPoint(told).data)


class Route(APIView):
    """The fastest way by car between two points of a city, for whoever drives it."""

    complaints_when_read = (NO_CITY_SO_CALLED, OUTSIDE, UNREACHABLE)

    @extend_schema(
        operation_id="places_route",
        parameters=[RouteQuery],
        responses=RouteSerializer,
        tags=["places"],
    )
    def get(self, request: Request) -> Response:
        asked = _read(RouteQuery, request)
        city = get_object_or_404(City, slug=asked["city"])
        ends = [asked["from"], asked["to"]]
        if not all(city.contains(end) for end in ends):
            raise problems.Told(OUTSIDE)
        with problems.told({routing.Unreachable: UNREACHABLE}):
            return Response(RouteSerializer(routing.route(city.slug, ends)).data)


class CityDetail(APIView):
    """A city: its edge, its clock, its money, its zones."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="city", responses=CitySerializer, tags=["places"])
    def get(self, request: Request, slug: str) -> Response:
        cities = City.objects.prefetch_related("zones")
        return Response(CitySerializer(get_object_or_404(cities, slug=slug)).data)


def _read(kind: type[serializers.Serializer[dict[str, Any]]], request: Request) -> dict[str, Any]:
    """Read the query or raise: an invalid one names each parameter at fault."""
    query = kind(data=request.query_params)
    query.is_valid(raise_exception=True)
    asked: dict[str, Any] = query.validated_data
    return asked
