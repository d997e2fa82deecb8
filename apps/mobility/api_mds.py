"""The city's rules for machines: the policies and the geographies of MDS 2.0, open to everybody."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from apps.kernel import clock
from apps.kernel.asked import InAddress
from apps.mobility.mds import geographies as edges
from apps.mobility.mds import policies, wire
from apps.places import geographies
from apps.places.current import current_city
from apps.places.models import City

# How long somebody on the way may keep an answer: a rule is obeyed in our own app within seconds.
POLICY_SECONDS, GEOGRAPHY_SECONDS = 10, 60


class StampField(serializers.IntegerField):
    """A moment in milliseconds since 1970, as MDS writes them."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(min_value=0, max_value=253_402_300_799_000, **rest)

    def run_validation(self, data: Any = empty) -> Any:
        stamp = super().run_validation(data)
        return datetime.fromtimestamp(stamp / 1000, UTC)


class PolicyQuery(InAddress):
    policy_id = serializers.UUIDField(required=False)
    start_date = StampField(required=False, help_text="In ms; without it, this moment")
    end_date = StampField(required=False, help_text="In ms; without it, for good")
    last_updated = serializers.BooleanField(default=False, help_text="Only say when it changed")
    active_only = serializers.BooleanField(default=False, help_text="Nothing that is over")

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        start, end = asked.get("start_date", clock.now()), asked.get("end_date")
        if end is not None and end < start:
            raise serializers.ValidationError({"end_date": _("It is before the beginning.")})
        return asked


class Stamped(serializers.Serializer[dict[str, Any]]):
    version = serializers.CharField(help_text="Of MDS")
    last_updated = serializers.IntegerField(help_text="In ms since 1970")


class MdsRuleSerializer(serializers.Serializer[dict[str, Any]]):
    rule_id = serializers.UUIDField()
    name = serializers.CharField()
    rule_type = serializers.ChoiceField(["count", "speed", "user"])
    rule_units = serializers.ChoiceField(["devices", "kph"], required=False)
    geographies = serializers.ListField(child=serializers.UUIDField())
    states = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    minimum = serializers.IntegerField(required=False)
    maximum = serializers.IntegerField(required=False)
    rate_amount = serializers.IntegerField(
        required=False, help_text="Minor units; below 0 the city pays"
    )
    rate_recurrence = serializers.ChoiceField(["once_on_match"], required=False)
    rate_applies_when = serializers.ChoiceField(["in_bounds"], required=False)
    start_time = serializers.CharField(required=False)
    end_time = serializers.CharField(required=False, help_text="The last second")
    days = serializers.ListField(child=serializers.CharField(), required=False)
    messages = serializers.DictField(child=serializers.CharField())


class MdsPolicySerializer(serializers.Serializer[dict[str, Any]]):
    policy_id = serializers.UUIDField()
    name = serializers.CharField(help_text="The rule's number and version, as in P-7/2")
    description = serializers.CharField()
    mode_id = serializers.ChoiceField([policies.MODE])
    published_date = serializers.IntegerField()
    start_date = serializers.IntegerField()
    end_date = serializers.IntegerField(required=False)
    currency = serializers.CharField(required=False)
    provider_ids = serializers.ListField(child=serializers.UUIDField(), required=False)
    prev_policies = serializers.ListField(child=serializers.UUIDField(), required=False)
    rules = MdsRuleSerializer(many=True)
    cityplatform = serializers.DictField(help_text="No field of MDS: what our rule says, exactly")


class MdsPoliciesSerializer(Stamped):
    policies = MdsPolicySerializer(many=True, required=False)


class GeographySerializer(serializers.Serializer[dict[str, Any]]):
    geography_id = serializers.UUIDField()
    geography_type = serializers.CharField()
    name = serializers.CharField()
    published_date = serializers.IntegerField()
    effective_date = serializers.IntegerField()
    retire_date = serializers.IntegerField(required=False)
    prev_geographies = serializers.ListField(child=serializers.UUIDField(), required=False)
    geography_json = serializers.DictField(help_text="A GeoJSON FeatureCollection")


class GeographiesSerializer(Stamped):
    geographies = GeographySerializer(many=True)


class OneGeographySerializer(Stamped):
    geography = GeographySerializer()


class Public(wire.MdsView):
    """What needs no account: the rules are everybody's."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    def city(self) -> City:
        city = current_city()
        if city is None:
            raise Http404
        return city


class Policies(Public):
    """The policies on rides, those in force and those to come."""

    @extend_schema(
        operation_id="mds_policies",
        parameters=[PolicyQuery],
        responses=MdsPoliciesSerializer,
        tags=["mds"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = PolicyQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked, city, now = query.validated_data, self.city(), clock.now()
        payload: dict[str, Any] = {}
        if not asked["last_updated"]:
            found = policies.versions(
                city,
                ref=asked.get("policy_id"),
                since=asked.get("start_date", now),
                until=asked.get("end_date"),
                lasting_at=now if asked["active_only"] else None,
            )
            payload = {"policies": policies.told(found, city)}
        changed = policies.last_updated(city)
        return wire.answer(request, payload, changed=changed, seconds=POLICY_SECONDS)


class OnePolicy(Public):
    """One version of one policy, also when it is over."""

    @extend_schema(
        operation_id="mds_policy",
        responses=MdsPoliciesSerializer,
        tags=["mds"],
    )
    def get(self, request: Request, policy_id: UUID) -> HttpResponseBase:
        city = self.city()
        found = policies.told(policies.versions(city, ref=policy_id), city)
        if not found:
            raise Http404
        changed = policies.last_updated(city)
        payload = {"policies": found}
        return wire.answer(request, payload, changed=changed, seconds=POLICY_SECONDS)


class Geographies(Public):
    """The edges of the city and of its zones, those that were drawn anew among them."""

    @extend_schema(
        operation_id="mds_geographies",
        responses=GeographiesSerializer,
        tags=["mds"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        city = self.city()
        payload = {"geographies": [edges.told(one) for one in geographies.every(city)]}
        changed = geographies.last_drawn(city)
        return wire.answer(request, payload, changed=changed, seconds=GEOGRAPHY_SECONDS)


class OneGeography(Public):
    """One edge."""

    @extend_schema(
        operation_id="mds_geography",
        responses=OneGeographySerializer,
        tags=["mds"],
    )
    def get(self, request: Request, geography_id: UUID) -> HttpResponseBase:
        city = self.city()
        found = next((one for one in geographies.every(city) if one.ref == geography_id), None)
        if found is None:
            raise Http404
        payload = {"geography": edges.told(found)}
        changed = found.retired_at or found.drawn_at
        return wire.answer(request, payload, changed=changed, seconds=GEOGRAPHY_SECONDS)
