"""Addresses below /api/v1/."""

from django.urls import path

from apps.regulation import api_rules

urlpatterns = [path("rules", api_rules.Rules.as_view(), name="rules")]
