"""Pages of the office of which an inspector sees what belongs to their districts."""

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.parties import queries
from apps.parties.roles import INSPECT


class OfDistricts:
    """A list and a page that are narrowed to districts for whoever was granted only those.

    Whoever may see the rows everywhere sees all of them.
    """

    # The way from a row to its district; empty: it belongs to none, and inspectors do not see it.
    # The app that knows where things happened writes it.
    district = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        if self._everywhere(request):
            return rows
        if not self.district:
            return rows.none()
        here = queries.granted(request.user, INSPECT)
        within = rows.model._default_manager.filter(**{f"{self.district}__in": here})
        return rows.filter(pk__in=within.values("pk"))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if self._everywhere(request):
            return True
        if not self.district or not queries.granted(request.user, INSPECT):
            return False
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) or bool(
            super().has_module_permission(request)  # type: ignore[misc]
        )

    def _everywhere(self, request: HttpRequest) -> bool:
        return bool(super().has_view_permission(request))  # type: ignore[misc]


class BesideDistricts:
    """Rows below a page of `OfDistricts`: whoever sees the page sees them."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        everywhere = bool(super().has_view_permission(request, obj))  # type: ignore[misc]
        return everywhere or (obj is not None and bool(queries.granted(request.user, INSPECT)))
