"""Addresses below /api/v1/."""

from django.urls import path

from apps.settlement import api

urlpatterns = [
    path("payouts", api.Payouts.as_view(), name="api-payouts"),
    path("payouts/<uuid:ref>", api.OnePayout.as_view(), name="api-payout"),
]
