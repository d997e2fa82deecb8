"""The places that a person keeps, for their own programs."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.kernel import clock, problems
from apps.kernel.actors import Kind
from apps.kernel.asked import Asked
from apps.kernel.problems import Problem
from apps.parties.authentication import asking
from apps.places import operations, queries
from apps.places.current import current_city
from apps.places.geometry import Point
from apps.places.models import City, Favourite

PROBLEMS: dict[type[Exception], Problem] = {
    operations.OutsideCity: Problem(422, "outside_city", _("This place lies outside the city.")),
    operations.TooManyPlaces: Problem(409, "too_many", _("You have kept as many as we keep.")),
    operations.NameTaken: Problem(409, "name_taken", _("You call another place so.")),
    operations.NoSuchPlace: Problem(404, "not_found", _("There is no such place of yours.")),
    City.DoesNotExist: Problem(503, "no_city", _("No city is loaded yet.")),
}


class FavouriteOut(serializers.ModelSerializer[Favourite]):
    """A place that you kept.  Nobody else sees it."""

    class Meta:
        model = Favourite
        fields = ("id", "kind", "name", "address", "lat", "lon")


class FavouriteIn(Asked):
    """HOME and WORK need no name; keeping the same again means that it has moved."""

    kind = serializers.ChoiceField(choices=Favourite.Kind.choices)
    name = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    address = serializers.CharField(max_length=200)
    lat = serializers.FloatField(min_value=-90, max_value=90)
    lon = serializers.FloatField(min_value=-180, max_value=180)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["kind"] == Favourite.Kind.OTHER and not asked["name"].strip():
            raise serializers.ValidationError({"name": _("Say what you call it.")})
        return asked


class NameIn(Asked):
    name = serializers.CharField(max_length=40)


def _city() -> City:
    city = current_city()
    if city is None:
        raise City.DoesNotExist
    return city


@extend_schema(tags=["me"])
class Favourites(APIView):
    complaints = tuple(PROBLEMS.values())
    complaints_when_read = tuple(PROBLEMS.values())

    @extend_schema(summary="List the places you keep", responses=FavouriteOut(many=True))
    def get(self, request: Request) -> Response:
        with problems.told(PROBLEMS):
            kept = queries.favourites(asking(request).pk, _city())
        return Response(FavouriteOut(kept, many=True).data)

    @extend_schema(summary="Keep a place", request=FavouriteIn, responses={201: FavouriteOut})
    def post(self, request: Request) -> Response:
        asked = FavouriteIn(data=request.data)
        asked.is_valid(raise_exception=True)
        told, person = asked.validated_data, asking(request)
        with problems.told(PROBLEMS):
            kept = operations.keep_place(
                user_id=person.pk,
                city_id=_city().pk,
                kind=told["kind"],
                name=told["name"],
                address=told["address"],
                point=Point(told["lat"], told["lon"]),
                by=person.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        return Response(FavouriteOut(kept).data, status=status.HTTP_201_CREATED)


@extend_schema(tags=["me"])
class OneFavourite(APIView):
    complaints = tuple(PROBLEMS.values())

    @extend_schema(
        summary="Call a place of yours otherwise", request=NameIn, responses=FavouriteOut
    )
    def patch(self, request: Request, favourite: int) -> Response:
        asked = NameIn(data=request.data)
        asked.is_valid(raise_exception=True)
        person = asking(request)
        with problems.told(PROBLEMS):
            kept = operations.rename_place(
                favourite_id=favourite,
                user_id=person.pk,
                name=asked.validated_data["name"],
                by=person.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        return Response(FavouriteOut(kept).data)

    @extend_schema(summary="Forget a place you kept", request=None, responses={204: None})
    def delete(self, request: Request, favourite: int) -> Response:
        person = asking(request)
        with problems.told(PROBLEMS):
            operations.remove_place(
                favourite_id=favourite,
                user_id=person.pk,
                by=person.acting(Kind.CONSUMER),
                at=clock.now(),
            )
        return Response(status=status.HTTP_204_NO_CONTENT)
