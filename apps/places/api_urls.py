"""Addresses below /api/v1/."""

from django.urls import path

from apps.places import api, api_favourites

urlpatterns = [
    path("places/search", api.Search.as_view(), name="places-search"),
    path("places/reverse", api.Reverse.as_view(), name="places-reverse"),
    path("places/route", api.Route.as_view(), name="places-route"),
    path("me/places", api_favourites.Favourites.as_view(), name="api-favourites"),
    path("me/places/<int:favourite>", api_favourites.OneFavourite.as_view(), name="api-favourite"),
    path("cities/<slug:slug>", api.CityDetail.as_view(), name="city"),
]
