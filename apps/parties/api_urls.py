"""Addresses below /api/v1/."""

from django.urls import path

from apps.parties import api

urlpatterns = [path("me", api.Me.as_view(), name="api-me")]
