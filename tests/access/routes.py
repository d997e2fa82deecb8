"""Every address there is, read from where Django itself reads them: nobody has to remember one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from cityplatform.sockets import websocket_urlpatterns

# What fills the place of something in an address, by the beginning of the address.
FILLED_BY = (
    ("admin/dry-runs/", "nothing"),
    ("admin/inspect/now/orders/", "orders"),
    ("admin/inspect/now/earnings/", "payouts"),
    ("rides/quotes/", "quotes"),
    ("api/v1/rides/quotes/", "quotes"),
    ("rides/", "orders"),
    ("orders/", "orders"),
    ("api/v1/orders/", "orders"),
    ("drive/rides/", "orders"),
    ("ws/order/", "orders"),
    ("admin/mobility/ride/", "orders"),
    ("s/", "links"),
    ("drive/offers/", "offers"),
    ("api/v1/driver/offers/", "offers"),
    ("drive/fleet/asks/", "joinings"),
    ("drive/fleet/drivers/", "workers"),
    ("papers/", "papers"),
    ("cases/<uuid:ref>/fee/", "applications"),
    ("api/v1/cases/<uuid:ref>/fee", "applications"),
    ("cases/", "cases"),
    ("api/v1/cases/", "cases"),
    ("appeal/", "decisions"),
    ("api/v1/decisions/", "decisions"),
    ("permits/", "permits"),
    ("admin/parties/user/", "accounts"),
    ("me/cards/", "cards"),
    ("api/v1/cards/", "cards"),
    ("earnings/", "payouts"),
    ("invoices/", "invoices"),
    ("disputes/", "disputes"),
    ("api/v1/payouts/", "payouts"),
    ("me/places/", "favourites"),
    ("api/v1/me/places/", "favourites"),
    ("notices/", "notices"),
    ("me/notices/devices/", "devices"),
    ("api/v1/devices/", "devices"),
    ("me/tokens/", "tokens"),
)
# What is the same for everybody.
FIXED: dict[str, Any] = {
    "kind": "licence",
    "currency": "CLP",
    "city": "la-serena",
    "slug": "la-serena",
    "version": "none",
    "z": 1,
    "x": 1,
    "y": 1,
    "stream": "audit",
    "row_id": 1,
    "vertical": "mobility",
    "number": "none",
    "event": UUID(int=1),
    "document": UUID(int=1),
    "quote": UUID(int=1),
    "geography_id": UUID(int=1),
    "device_id": UUID(int=1),
    "content_type_id": 1,
    "object_id": 1,
    "policy_id": 1,
    "version_id": 1,
    "act": "approve",
}


# Patterns of others that are no addresses, as addresses that they match.
REGEX = {
    r"^confirm-email/(?P<key>[-:\w]+)/$": "confirm-email/none/",
    r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "password/reset/key/1-none/",
    "(?P<url>.*)$": "no-such-page/",
}


@dataclass(frozen=True)
class Route:
    """An address with holes, and the view behind it."""

    address: str
    view: Any
    holes: tuple[str, ...] = ()

    def methods(self) -> list[str]:
        """How it can be asked; a page does not say so by itself, so both ways are tried."""
        cls = getattr(self.view, "cls", None)
        if cls is None or not hasattr(cls, "schema"):
            return ["GET", "POST"]
        return [
            name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(cls, name)
        ]

    def filled(self, things: dict[str, dict[str, list[Any]]]) -> list[str]:
        """The addresses with what the world has for the holes: here, team, there."""
        if not self.holes:
            return [f"/{self.address}"]
        open_holes = [hole for hole in self.holes if hole not in FIXED]
        if not open_holes:
            return ["/" + self._with(FIXED)]
        source = next((name for begins, name in FILLED_BY if self.address.startswith(begins)), "")
        assert source, f"tests/access does not know what to put into {self.address}"
        values = things[source]
        count = len(next(iter(values.values())))
        return [
            "/" + self._with(FIXED | {hole: values[hole][place] for hole in open_holes})
            for place in range(count)
        ]

    def _with(self, values: dict[str, Any]) -> str:
        told = self.address
        for hole in self.holes:
            begins = told.index("<")
            told = told[:begins] + str(values[hole]) + told[told.index(">") + 1 :]
        return told


def pages() -> list[Route]:
    """Every page outside the office and the API; those of the sign-in package among them."""
    return [
        route
        for route in _walk(get_resolver().url_patterns)
        if not route.address.startswith(("admin/", "api/v1/"))
    ]


def api() -> list[Route]:
    """Every endpoint of the API."""
    return [
        route for route in _walk(get_resolver().url_patterns)
        if route.address.startswith("api/v1/")
    ]  # fmt: skip


def office() -> list[Route]:
    """Pages of the office that belong to no model: the desk, the maps, the search."""
    models = tuple(
        f"admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry
    )
    own = [
        route
        for route in _walk(get_resolver().url_patterns)
        if route.address.startswith("admin/")
        and not (route.address.startswith(models) and "<path:object_id>" in route.address)
        # The page of an app lists the models that somebody sees, each of which has its row.
        and not route.address.startswith("admin/^")
    ]
    return [
        route
        for route in own
        if not (route.address in models or route.address.removesuffix("add/") in models)
    ]


def desks() -> list[Any]:
    """Every model that the office shows, with its admin."""
    found = list(admin.site._registry.items())
    return sorted(found, key=lambda one: (one[0]._meta.app_label, one[0]._meta.model_name))


def detail_views(model: Any) -> set[str]:
    """What a model's admin answers about one row, beyond what Django brings."""
    begins = f"admin/{model._meta.app_label}/{model._meta.model_name}/<path:object_id>/"
    views = {
        route.address.removeprefix(begins)
        for route in _walk(get_resolver().url_patterns)
        if route.address.startswith(begins)
    }
    return views - {"", "change/", "history/", "delete/"}


def sockets() -> list[Route]:
    """Every socket."""
    return [
        Route(str(one.pattern), None, tuple(one.pattern.converters))
        for one in websocket_urlpatterns
    ]


def _walk(patterns: Any, base: str = "") -> Iterator[Route]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, base + str(one.pattern))
        elif isinstance(one, URLPattern):
            address = base + REGEX.get(str(one.pattern), str(one.pattern))
            yield Route(address, one.callback, tuple(re.findall(r"<(?:\w+:)?(\w+)>", address)))
