"""Addresses below /mds/, without a slash at the end, as the specification writes them."""

from django.urls import path

from apps.mobility import api_mds, api_mds_agency

urlpatterns = [
    path("policies", api_mds.Policies.as_view(), name="mds-policies"),
    path("policies/<uuid:policy_id>", api_mds.OnePolicy.as_view(), name="mds-policy"),
    path("geographies", api_mds.Geographies.as_view(), name="mds-geographies"),
    path("geographies/<uuid:geography_id>", api_mds.OneGeography.as_view(), name="mds-geography"),
    path("vehicles", api_mds_agency.Vehicles.as_view(), name="mds-vehicles"),
    path("vehicles/<uuid:device_id>", api_mds_agency.OneVehicle.as_view(), name="mds-vehicle"),
    path("events", api_mds_agency.Events.as_view(), name="mds-events"),
    path("telemetry", api_mds_agency.Telemetry.as_view(), name="mds-telemetry"),
    path("trips", api_mds_agency.Trips.as_view(), name="mds-trips"),
]
