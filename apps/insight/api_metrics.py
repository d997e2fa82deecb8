"""The figures on rides for officers' programs, in the shape of MDS 2.0, metrics."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.insight import measures, taken
from apps.insight.measures import HOUR, MEASURES, ZONE
from apps.kernel import clock
from apps.kernel.asked import Asked
from apps.mobility.mds import wire
from apps.mobility.mds.policies import stamp
from apps.orders.models import Order
from apps.parties.authentication import asking
from apps.places import geographies
from apps.places.current import current_city
from apps.places.models import City

DAY, EVERY_HOUR = "P1D", "PT1H"
MOST_DAYS = 7
GEOGRAPHY = "geography_id"
LEAVE = "orders.view_order"


class FilterSerializer(Asked):
    name = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())


class QuerySerializer(Asked):
    measures = serializers.ListField(
        child=serializers.ChoiceField(list(MEASURES)), allow_empty=False
    )
    interval = serializers.ChoiceField([EVERY_HOUR, DAY])
    start_date = serializers.CharField(help_text="ISO 8601, or milliseconds since 1970")
    end_date = serializers.CharField(required=False, help_text="Of the last interval's beginning")
    timezone = serializers.CharField(required=False, help_text="In which moments are written")
    dimensions = serializers.ListField(
        child=serializers.ChoiceField([GEOGRAPHY]), required=False, default=list, max_length=1
    )
    filters = FilterSerializer(many=True, required=False, default=list)

    def validate_filters(self, told: list[Any]) -> list[Any]:
        if told:
            raise serializers.ValidationError(_("There are no filters."))
        return told

    def validate_timezone(self, told: str) -> str:
        if told not in available_timezones():
            raise serializers.ValidationError(_("There is no such time zone."))
        return told

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        is_number = asked["start_date"].isascii() and asked["start_date"].isdigit()
        if is_number and "timezone" in asked:
            raise serializers.ValidationError({"timezone": _("Not with a number.")})
        begins = _moment(asked["start_date"], "start_date")
        ends = _moment(asked["end_date"], "end_date") if "end_date" in asked else begins
        if not begins <= ends <= begins + timedelta(days=MOST_DAYS):
            said = _("At most %(days)s days, and not before the beginning.") % {"days": MOST_DAYS}
            raise serializers.ValidationError({"end_date": said})
        return asked | {"begins": begins, "ends": ends, "is_number": is_number}


class ColumnSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()
    column_type = serializers.ChoiceField(["dimension", "measure"])
    data_type = serializers.ChoiceField(["datetime", "string", "integer", "float"])


class FiguresSerializer(serializers.Serializer[dict[str, Any]]):
    id = serializers.UUIDField()
    query = serializers.DictField()
    columns = ColumnSerializer(many=True)
    rows = serializers.ListField(
        child=serializers.ListField(), help_text="-1: about too few; null: nothing to measure"
    )


class MetricSerializer(serializers.Serializer[dict[str, Any]]):
    measures = serializers.ListField(child=serializers.CharField())
    since = serializers.CharField()
    intervals = serializers.ListField(child=serializers.CharField())


class DiscoverySerializer(serializers.Serializer[dict[str, Any]]):
    metrics = MetricSerializer(many=True)
    max_intervals = serializers.IntegerField()
    dimensions = serializers.ListField(child=serializers.CharField())
    filters = serializers.ListField(child=serializers.CharField())


class Metrics(wire.MdsView):
    """The figures of the city's own rides; no figure is about fewer than 3 people."""

    def city(self) -> City:
        if not asking(self.request).has_perm(LEAVE):
            raise PermissionDenied
        city = current_city()
        if city is None:
            raise Http404
        return city

    @extend_schema(
        operation_id="mds_metrics",
        responses=DiscoverySerializer,
        tags=["mds"],
    )
    def get(self, request: Request) -> Response:
        """Say what can be asked."""
        city = self.city()
        first = Order.objects.filter(city=city, vertical="mobility").order_by("placed_at").first()
        begins = taken.span(city, city.now(first.placed_at if first else clock.now()).date())[0]
        told = {
            "metrics": [
                {
                    "measures": list(MEASURES),
                    "since": begins.isoformat(timespec="minutes"),
                    "intervals": [EVERY_HOUR, DAY],
                }
            ],
            "max_intervals": MOST_DAYS * 24 + 1,
            "dimensions": [GEOGRAPHY],
            "filters": [],
        }
        return Response(told)

    @extend_schema(
        operation_id="mds_metrics_query",
        request=QuerySerializer,
        responses=FiguresSerializer,
        tags=["mds"],
    )
    def post(self, request: Request) -> Response:
        """The figures of whole days or hours by the city's clock, today's as far as it has come."""
        city = self.city()
        query = QuerySerializer(data=request.data)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        by = ((ZONE,) if asked["dimensions"] else ()) + (
            (HOUR,) if asked["interval"] == EVERY_HOUR else ()
        )
        names = list(dict.fromkeys(asked["measures"]))
        told = {
            "id": str(uuid4()),
            "query": {
                "measures": names,
                "interval": asked["interval"],
                "start_date": asked["start_date"],
                "end_date": asked.get("end_date", asked["start_date"]),
                "dimensions": asked["dimensions"],
                "timezone": asked.get("timezone", "UTC"),
                "k_value": measures.K,
                "filters": [],
            },
            "columns": [
                {"name": "interval_start", "column_type": "dimension", "data_type": "datetime"},
                *(
                    {"name": name, "column_type": "dimension", "data_type": "string"}
                    for name in asked["dimensions"]
                ),
                *(
                    {
                        "name": name,
                        "column_type": "measure",
                        "data_type": "integer" if name.endswith(".count") else "float",
                    }
                    for name in names
                ),
            ],
            "rows": list(_rows(city, asked, by, names)),
        }
        return Response(told)


def _rows(city: City, asked: dict[str, Any], by: tuple[str, ...], names: list[str]) -> Any:
    zones = {slug: str(ref) for slug, ref in geographies.refs(city).items() if slug}
    day, now = city.now(asked["begins"]).date(), clock.now()
    while taken.span(city, day)[0] <= asked["ends"]:
        table = measures.tables(taken.rows(city, day, at=now))[by]
        for key, figures in sorted(table.items()):
            found = dict(zip(by, key, strict=True))
            begins = taken.span(city, day)[0].replace(hour=int(found.get(HOUR, 0)))
            if asked["begins"] <= begins <= asked["ends"]:
                place = [zones.get(str(found[ZONE]))] if ZONE in by else []
                yield [_written(begins, asked), *place, *(figures[name] for name in names)]
        day += timedelta(days=1)


def _written(at: datetime, asked: dict[str, Any]) -> str | int:
    if asked["is_number"]:
        return stamp(at)
    shown = at.astimezone(ZoneInfo(asked.get("timezone", "UTC")))
    return shown.isoformat(timespec="minutes")


def _moment(told: str, name: str) -> datetime:
    try:
        if told.isascii() and told.isdigit():
            moment = datetime.fromtimestamp(int(told) / 1000, UTC)
        else:
            moment = datetime.fromisoformat(told)
    except (ValueError, OverflowError, OSError):
        raise serializers.ValidationError({name: _("It is no moment.")}) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # Before, there were no rides; after, calendars run out.
    if not 2000 <= moment.year <= 2200:
        raise serializers.ValidationError({name: _("It is no moment.")})
    return moment
