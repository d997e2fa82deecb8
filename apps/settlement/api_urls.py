"""Addresses below /api/v1/."""

from django.urls import path

from apps.settlement import api, api_fees

urlpatterns = [
    path("payouts", api.Payouts.as_view(), name="api-payouts"),
    path("payouts/<uuid:ref>", api.OnePayout.as_view(), name="api-payout"),
    path("cases/<uuid:ref>/fee", api_fees.Fee.as_view(), name="api-case-fee"),
]
