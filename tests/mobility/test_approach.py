"""The dotted way of the car to the pick-up, on the rider's map and on the driver's."""

import pytest

from apps.dispatch.models import Position
from apps.kernel import clock
from apps.places.models import City
from tests import rides
from tests.browser import screenshot, watch
from tests.mobility.test_rider_pages import camila, town
from tests.rides import RECOVA

__all__ = ["camila", "town"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
FAR = """() => document.querySelector("city-map").ready.then(({ map }) =>
  map.getSource("far").serialize().data.features.flatMap(({ geometry }) => geometry.coordinates))"""


def on_the_way(town):
    at = clock.now()
    City.objects.update(tiles_version="1")
    order = town.search(at)
    town.on_shift(at=at)
    Position.objects.create(
        worker=town.worker, lat=RECOVA.point.lat, lon=RECOVA.point.lon, seen_at=at
    )
    return order, town.offer(order, at=at)


def open_page(new_page, site, client, path):
    page = new_page(width=390)
    page.set_default_timeout(60_000)
    told = watch(page)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
    )
    with page.expect_response(lambda answer: "/places/route?" in answer.url) as asked:
        page.goto(f"{site}{path}")
    assert asked.value.status == 200
    return page, told


def test_the_driver_sees_the_way_to_the_pick_up_of_an_offer(town, client, new_page, site):
    on_the_way(town)
    client.force_login(town.worker.user)

    page, told = open_page(new_page, site, client, "/drive/")

    page.wait_for_function(f"async () => (await ({FAR})()).length > 2")
    dots = page.evaluate(FAR)
    assert abs(dots[0][0] - RECOVA.point.lon) < 0.0005
    assert abs(dots[-1][0] - rides.PLAZA.point.lon) < 0.0005
    screenshot(page, "approach-driver")
    assert [line for line in told if "/ws/" not in line and "tiles" not in line] == []


def test_the_rider_sees_it_while_the_car_comes_and_not_after(town, camila, new_page, site):
    order, offer = on_the_way(town)
    town.accept(offer, clock.now())

    page, _told = open_page(new_page, site, camila, f"/rides/{order.ref}/")
    page.wait_for_function(f"async () => (await ({FAR})()).length > 2")
    screenshot(page, "approach-rider")

    town.step(order, "arrive", town.worker.actor, clock.now())
    page.reload()
    page.wait_for_function("() => document.querySelector('city-map').ready.then(() => true)")
    assert page.evaluate(FAR) == []
