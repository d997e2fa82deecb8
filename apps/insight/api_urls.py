"""Addresses below /api/v1/."""

from django.urls import path

from apps.insight import api

urlpatterns = [path("city/now", api.CityNow.as_view(), name="city-now")]
