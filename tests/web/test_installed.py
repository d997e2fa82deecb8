"""The city on a phone's home screen, and what is left of it without a signal."""

import re
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from playwright.sync_api import Page, expect

from apps.kernel import clock
from apps.mobility import views
from apps.places.models import City
from apps.pricing.models import Tariff
from apps.web import kept
from tests import factories, rides
from tests.browser import WIDTHS, assert_accessible, screenshot, watch

# The content policy forbids what `wait_for_function` does, so that the page itself waits.
# A promise that never comes would hold the whole run: each of these gives up.
WAIT = """
  const end = Date.now() + 60_000;
  const aMoment = () => {
    if (Date.now() > end) throw new Error("it did not come true");
    return new Promise((done) => { setTimeout(done, 20); });
  };
"""
READY = f"""async () => {{ {WAIT}
  while (!navigator.serviceWorker.controller) await aMoment();
}}"""
KEPT = """async (path) => { WAIT
  for (;;) {
    for (const name of await caches.keys()) {
      if (name.startsWith("pages-") && await (await caches.open(name)).match(path)) return;
    }
    await aMoment();
  }
}""".replace("WAIT", WAIT)
NOTHING_KEPT = f"""async () => {{ {WAIT}
  while ((await caches.keys()).some((name) => name.startsWith("pages-"))) await aMoment();
}}"""


@pytest.fixture
def town(transactional_db) -> rides.Town:
    town = rides.town()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    return town


def sign_in(page: Page, site: str, town: rides.Town) -> None:
    client = Client()
    client.force_login(town.rider)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    page.context.add_cookies([cookie])


def keep(page: Page, address: str) -> None:
    """Visit a page, and wait until the phone has kept it."""
    page.goto(address)
    page.evaluate(READY)
    page.evaluate(KEPT, address)


def test_the_manifest_has_icons_of_its_own_and_ways_in(client: Client, city: City) -> None:
    told = client.get("/manifest.webmanifest").json()
    for icon in told["icons"]:
        assert (settings.BASE_DIR / icon["src"].lstrip("/")).is_file()
        if icon["type"] == "image/png":
            with Image.open(settings.BASE_DIR / icon["src"].lstrip("/")) as picture:
                assert f"{picture.width}x{picture.height}" == icon["sizes"]
    assert [icon["purpose"] for icon in told["icons"]] == ["any", "any", "any", "maskable"]
    assert [(one["name"], one["url"]) for one in told["shortcuts"]] == [
        ("Where to?", "/rides/"),
        ("Orders", "/orders/"),
    ]
    tokens = (settings.BASE_DIR / "static/css/tokens.css").read_text()
    assert f"--canvas: light-dark({told['background_color']}," in tokens
    assert f"--primary: light-dark({told['theme_color']}," in tokens


def test_the_worker_is_asked_for_anew_and_small(client: Client, city: City) -> None:
    answer = client.get("/sw.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert "no-cache" in answer["Cache-Control"]
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    page_script = (settings.BASE_DIR / "static/js/installed.js").read_bytes()
    # What keeps pages, and what shows news on a locked phone.
    assert len(answer.content) + len(page_script) < 11_000


def test_the_version_follows_the_names_of_the_shell(
    client: Client, city: City, monkeypatch
) -> None:
    before = client.get("/sw.js").content
    assert client.get("/sw.js").content == before
    monkeypatch.setattr(kept, "addresses", lambda: ["/static/css/tokens.0a1b2c.css"])
    version = re.compile(rb'"shell-(\w{12})"')
    first, second = version.search(before), version.search(client.get("/sw.js").content)
    assert first
    assert second
    assert first[1] != second[1]


def test_every_stylesheet_of_the_shell_is_kept() -> None:
    styles = (settings.BASE_DIR / "templates/parts/styles.html").read_text()
    assert set(re.findall(r"static '([^']+)'", styles)) <= set(kept.FILES)


def test_a_ride_and_a_receipt_open_without_a_signal_until_their_owner_leaves(
    new_page: Callable[..., Page], site: str, town: rides.Town
) -> None:
    done = town.drive(town.confirm(clock.now()), clock.now())
    town.worker.shifts.update(ended_at=None)
    live = town.accept(town.offer(town.search(clock.now()), at=clock.now()), clock.now())
    page = new_page(service_workers="allow")
    sign_in(page, site, town)
    ride, receipt = f"{site}/rides/{live.ref}/", f"{site}/orders/{done.ref}/"
    for address in (f"{site}/", f"{site}/orders/", receipt, ride):
        keep(page, address)

    page.context.set_offline(True)
    page.goto(ride)
    words = page.locator("main")
    for fact in (live.ride.code, "Plaza de Armas", "Faro Monumental"):
        expect(words).to_contain_text(fact)
    assert town.worker.vehicle.plate in page.content()
    expect(page.locator("#offline")).to_contain_text(re.compile(r"as of \d\d:\d\d\."))
    screenshot(page, "kept-ride-390")
    page.goto(receipt)
    expect(page.locator("body")).to_contain_text(done.code)
    expect(page.locator("#offline")).to_be_visible()
    assert_accessible(page)
    screenshot(page, "kept-receipt-390")
    page.goto(f"{site}/me/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()

    page.context.set_offline(False)
    page.goto(f"{site}/accounts/logout/")
    page.locator("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{site}/")
    page.context.set_offline(True)
    for address in (ride, receipt, f"{site}/orders/"):
        page.goto(address)
        expect(page.get_by_role("heading", name="No connection")).to_be_visible()
        assert done.code not in page.content()


def test_a_line_that_says_nothing_shows_what_is_kept(
    new_page: Callable[..., Page], site: str, town: rides.Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The city holds its answer back until the page has been seen."""
    live = town.confirm(clock.now())
    page = new_page(service_workers="allow")
    sign_in(page, site, town)
    ride = f"{site}/rides/{live.ref}/"
    keep(page, f"{site}/")
    keep(page, ride)
    seen, asked, order_of = Event(), Event(), views.order_of

    def slow(*told: Any) -> Any:
        asked.set()
        seen.wait(60)
        return order_of(*told)

    monkeypatch.setattr(views, "order_of", slow)
    page.goto(ride)

    expect(page.locator("main")).to_contain_text(live.ride.code)
    assert asked.is_set()
    assert not seen.is_set()
    assert page.locator("meta[name=kept-at]").count() == 1
    seen.set()


def test_pages_go_when_a_session_is_found_to_be_over(
    new_page: Callable[..., Page], site: str, town: rides.Town
) -> None:
    page = new_page(service_workers="allow")
    sign_in(page, site, town)
    keep(page, f"{site}/orders/")
    page.context.clear_cookies()
    page.goto(f"{site}/orders/")
    page.wait_for_url("**/accounts/login/**")
    page.evaluate(NOTHING_KEPT)


def test_what_belongs_to_nobody_s_street_is_never_kept(
    new_page: Callable[..., Page], site: str, town: rides.Town
) -> None:
    page = new_page(service_workers="allow")
    sign_in(page, site, town)
    keep(page, f"{site}/")
    for path in ("/me/", "/help/", "/admin/", "/api/v1/orders", "/orders/?page=1"):
        page.goto(f"{site}{path}")
    keep(page, f"{site}/orders/")
    held = page.evaluate(
        """async () => {
          const all = [];
          for (const name of await caches.keys()) {
            if (!name.startsWith("pages-")) continue;
            for (const one of await (await caches.open(name)).keys()) all.push([name, one.url]);
          }
          return all.sort();
        }"""
    )
    mine = f"pages-{town.rider.pk}"
    assert held == [[mine, f"{site}/"], [mine, f"{site}/orders/"]]


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_without_a_signal_can_be_read_by_everybody(
    new_page: Callable[..., Page], site: str, city: City, width: int
) -> None:
    page = new_page(width=width, service_workers="allow")
    told = watch(page)
    page.goto(site)
    page.evaluate(READY)
    assert told == []
    page.context.set_offline(True)
    page.goto(f"{site}/help/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    assert_accessible(page)
    screenshot(page, f"offline-{width}")
