"""Addresses below /mds/, without a slash at the end, as the specification writes them."""

from django.urls import path

from apps.mobility import api_mds

urlpatterns = [
    path("policies", api_mds.Policies.as_view(), name="mds-policies"),
    path("policies/<uuid:policy_id>", api_mds.OnePolicy.as_view(), name="mds-policy"),
    path("geographies", api_mds.Geographies.as_view(), name="mds-geographies"),
    path("geographies/<uuid:geography_id>", api_mds.OneGeography.as_view(), name="mds-geography"),
]
