"""Addresses below /api/v1/."""

from django.urls import path

from apps.audit import api

urlpatterns = [
    path("me/looks", api.Looks.as_view(), name="api-looks"),
    path("evidence/roots", api.Roots.as_view(), name="api-evidence-roots"),
    path("evidence/<str:stream>/<int:row_id>", api.Proof.as_view(), name="api-evidence-proof"),
]
