from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.authentication import asking
from apps.places import operations
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
    list_display = ["name", "slug", "timezone", "currency", "locale", "takes_cash", "is_demo"]
    search_fields = ["name", "slug"]
    ordering = ["name"]
    actions = ["allow_cash", "end_cash"]

    def has_choose_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("places.choose_cash")

    @admin.action(description=_("Let riders pay in cash"), permissions=["choose"])
    def allow_cash(self, request: HttpRequest, cities: QuerySet[City]) -> None:
        self._choose_cash(request, cities, takes_cash=True)
        self.message_user(request, _("Riders may pay in cash from now on."))

    @admin.action(description=_("Take cards only"), permissions=["choose"])
    def end_cash(self, request: HttpRequest, cities: QuerySet[City]) -> None:
        self._choose_cash(request, cities, takes_cash=False)
        self.message_user(request, _("Cards only from now on. Rides under way stay as agreed."))

    def _choose_cash(
        self, request: HttpRequest, cities: QuerySet[City], *, takes_cash: bool
    ) -> None:
        officer = asking(request).acting(Kind.OFFICER)
        for city in cities:
            operations.choose_cash(
                city_id=city.pk, takes_cash=takes_cash, by=officer, at=clock.now()
            )


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
