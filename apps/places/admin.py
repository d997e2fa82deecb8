from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.places.models import City, Place, Zone


class Loaded(ModelAdmin):
    """What a load of the streets wrote: to be read, and changed by the next load."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(City)
class CityAdmin(Loaded):
    list_display = ["name", "slug", "timezone", "currency", "locale", "streets_version", "is_demo"]
    search_fields = ["name", "slug"]
    ordering = ["name"]


@admin.register(Zone)
class ZoneAdmin(Loaded):
    list_display = ["name", "city", "kind"]
    list_filter = ["city", "kind"]
    list_select_related = ["city"]
    search_fields = ["name", "slug"]
    ordering = ["city", "name"]
    # Some hundred numbers of hexagons tell an officer nothing.
    exclude = ["cells"]


@admin.register(Place)
class PlaceAdmin(Loaded):
    list_display = ["name", "detail", "kind", "city", "weight"]
    list_filter = ["city", "kind"]
    list_select_related = ["city"]
    search_fields = ["search"]
    ordering = ["-weight", "name", "pk"]
