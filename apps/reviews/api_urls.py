"""Addresses below /api/v1/."""

from django.urls import path

from apps.reviews import api

urlpatterns = [path("orders/<uuid:ref>/review", api.Reviews.as_view(), name="api-review")]
