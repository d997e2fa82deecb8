from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.authentication import asking
from apps.places import operations, outlines, queries
from apps.places.current import current_city
from apps.places.forms_zones import ByName, Drawing
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

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm("places.add_zone")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        found = path("add/found/", wrap(self.found_view), name="places_zone_found")
        return [found, *super().get_urls()]

    def add_view(self, request: HttpRequest, *args: Any, **rest: Any) -> HttpResponse:
        """Draw a zone: on the map, along a street, or from GeoJSON.  What is drawn stays."""
        city = self._city(request)
        form = Drawing(request.POST or None, city=city)
        if request.method == "POST" and form.is_valid():
            told = form.cleaned_data
            try:
                zone = operations.draw_zone(
                    city_id=city.pk,
                    name=told["name"],
                    kind=told["kind"],
                    boundary=told["boundary"],
                    by=asking(request).acting(Kind.OFFICER),
                    at=clock.now(),
                )
            except operations.ZoneUnfit as no:
                form.complain(no.code)
            else:
                self.message_user(request, _("%s is drawn. Rules can speak of it now.") % zone)
                return redirect("admin:places_zone_change", zone.pk)
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": _("Draw a zone"),
            "here": city,
            "form": form,
            "shapes": queries.shapes(city),
        }
        return TemplateResponse(request, "admin/places/draw_zone.html", context)

    def found_view(self, request: HttpRequest) -> HttpResponse:
        """Streets and zones of a name, each with its edge to take."""
        city, form = self._city(request), ByName(request.GET)
        found = []
        if form.is_valid():
            told = form.cleaned_data
            found = outlines.find(city, told["street"], width=told["width"])
        return TemplateResponse(request, "admin/places/found.html", {"found": found, "form": form})

    def _city(self, request: HttpRequest) -> City:
        city = current_city()
        if not self.has_add_permission(request):
            raise PermissionDenied
        if city is None:
            raise Http404
        return city


@admin.register(Place)
class PlaceAdmin(Loaded):
    list_display = ["name", "detail", "kind", "city", "weight"]
    list_filter = ["city", "kind"]
    list_select_related = ["city"]
    search_fields = ["search"]
    ordering = ["-weight", "name", "pk"]
