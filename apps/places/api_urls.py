"""Addresses below /api/v1/."""

from django.urls import path

from apps.places import api

urlpatterns = [
    path("places/search", api.Search.as_view(), name="places-search"),
    path("places/reverse", api.Reverse.as_view(), name="places-reverse"),
    path("places/route", api.Route.as_view(), name="places-route"),
    path("cities/<slug:slug>", api.CityDetail.as_view(), name="city"),
]
