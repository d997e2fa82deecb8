"""Addresses below /mds/."""

from django.urls import path

from apps.insight import api_metrics

urlpatterns = [path("metrics", api_metrics.Metrics.as_view(), name="mds-metrics")]
