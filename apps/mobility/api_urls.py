"""Addresses below /api/v1/."""

from django.urls import path

from apps.mobility import (
    api,
    api_alarm,
    api_destination,
    api_lost,
    api_papers,
    api_places,
    api_share,
)

urlpatterns = [
    path("rides/quotes", api.Quotes.as_view(), name="api-ride-quotes"),
    path("rides/quotes/<uuid:bundle>", api.OneBundle.as_view(), name="api-ride-bundle"),
    path("orders/<uuid:ref>/alert", api_alarm.CallForHelp.as_view(), name="api-order-alert"),
    path("orders/<uuid:ref>/check", api_alarm.AnswerCheck.as_view(), name="api-order-check"),
    path(
        "orders/<uuid:ref>/destination",
        api_destination.Destination.as_view(),
        name="api-order-destination",
    ),
    path("orders/<uuid:ref>/share", api_share.Share.as_view(), name="api-order-share"),
    path("me/places/recent", api_places.RecentPlaces.as_view(), name="api-recent-places"),
    path("orders/<uuid:ref>/lost", api_lost.Lost.as_view(), name="api-order-lost"),
    path("driver", api.Driver.as_view(), name="api-driver"),
    path("driver/shift", api.DriverShift.as_view(), name="api-driver-shift"),
    path("driver/papers", api_papers.Papers.as_view(), name="api-driver-papers"),
    path("driver/position", api.DriverPosition.as_view(), name="api-driver-position"),
    path("driver/offers/<int:offer>", api.DriverOffer.as_view(), name="api-driver-offer"),
]
