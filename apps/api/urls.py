"""Everything below /api/v1/: the addresses that each app brings, and their reference."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from apps.api import views

# An app joins the API by having a module `api_urls`.
brought = [
    f"{app.name}.api_urls"
    for app in apps.get_app_configs()
    if app.name.startswith("apps.") and find_spec(f"{app.name}.api_urls")
]

urlpatterns = [
    path("docs/", views.reference, name="api-docs"),
    path("openapi.json", SpectacularJSONAPIView.as_view(api_version="v1"), name="api-schema"),
    *(path("", include(import_module(module))) for module in brought),
]
