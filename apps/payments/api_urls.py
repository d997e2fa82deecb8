"""Addresses below /api/v1/."""

from django.urls import path

from apps.payments import api

urlpatterns = [
    path("cards", api.Cards.as_view(), name="api-cards"),
    path("cards/added", api.AddedCard.as_view(), name="api-cards-added"),
    path("cards/<int:card>", api.OneCard.as_view(), name="api-card"),
]
