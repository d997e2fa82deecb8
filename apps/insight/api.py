"""The city's public page for programs."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.insight import city_now, crowds, day
from apps.insight.crowds import Crowd
from apps.insight.day import Waits
from apps.kernel import clock
from apps.kernel.problems import Problem
from apps.places.current import current_city


class CellSerializer(serializers.Serializer[crowds.Cell]):
    h3 = serializers.CharField(source="name", help_text="H3 cell of resolution 8 or 7")
    count = serializers.IntegerField(min_value=crowds.LEAST)


class CrowdSerializer(serializers.Serializer[Crowd]):
    cells = CellSerializer(many=True)
    elsewhere = serializers.IntegerField(
        allow_null=True, help_text="In no cell of the list; null: fewer than 3, and not told"
    )
    total = serializers.IntegerField(allow_null=True, help_text="null where it would tell a few")


class WaitsSerializer(serializers.Serializer[Waits]):
    count = serializers.SerializerMethodField(help_text="null: fewer than 5, and not told")
    median_seconds = serializers.FloatField(source="median", allow_null=True)
    p90_seconds = serializers.FloatField(source="p90", allow_null=True)

    def get_count(self, waits: Waits) -> int | None:
        return waits.count if waits.count >= day.FEWEST or not waits.count else None


class HourSerializer(serializers.Serializer[day.Hour]):
    hour = serializers.IntegerField(help_text="By the city's clock, 0 to 23")
    asked = serializers.IntegerField()
    served = serializers.IntegerField()
    waits = WaitsSerializer()
    is_open = serializers.BooleanField(help_text="The hour is not over yet")


class DistrictSerializer(serializers.Serializer[day.Area]):
    slug = serializers.SlugField()
    name = serializers.CharField()
    waits = WaitsSerializer()


class ServiceSerializer(serializers.Serializer[day.Service]):
    found = serializers.IntegerField(help_text="Requests that found a driver")
    ended = serializers.IntegerField(help_text="Requests whose search has ended")
    rate_percent = serializers.IntegerField(source="rate", allow_null=True)


class CityNowSerializer(serializers.Serializer[dict[str, Any]]):
    city = serializers.SlugField()
    at = serializers.DateTimeField()
    cars = CrowdSerializer()
    requests = CrowdSerializer()
    asked = serializers.IntegerField(help_text="Rides asked for today")
    served = serializers.IntegerField(help_text="Of these, rides whose car came")
    service = ServiceSerializer()
    waits = WaitsSerializer()
    step_free_waits = WaitsSerializer()
    hours = HourSerializer(many=True)
    districts = DistrictSerializer(many=True)
    tariffs = serializers.ListField(child=serializers.CharField(), help_text="Numbers in force")


class CityNow(APIView):
    """The city as it moves, without showing anybody: crowds of at least 3, waits of at least 5."""

    complaints_when_read = (Problem(404, "not_found", ""),)
    permission_classes = [AllowAny]

    @extend_schema(operation_id="city_now", responses=CityNowSerializer, tags=["places"])
    def get(self, request: Request) -> Response:
        city = current_city()
        if city is None:
            raise Http404
        at = clock.now()
        moving, today = city_now.moving(city, at=at), city_now.today(city, at=at)
        told = {
            "city": city.slug,
            "at": moving.at,
            "cars": moving.cars,
            "requests": moving.requests,
            "asked": today.asked,
            "served": today.served,
            "service": today.service,
            "waits": today.waits,
            "step_free_waits": today.step_free,
            "hours": today.hours,
            "districts": today.districts,
            "tariffs": sorted({tariff.number for tariff in today.tariffs}),
        }
        headers = {"Cache-Control": f"public, max-age={city_now.MOVES_SECONDS}"}
        return Response(CityNowSerializer(told).data, headers=headers)
