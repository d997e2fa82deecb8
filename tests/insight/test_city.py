"""The city's public page: crowds instead of cars, waits with their counts, the day so far."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch.models import Position
from apps.insight import city_now, crowds, day
from apps.kernel import clock
from apps.places import geometry
from apps.places.geometry import Point
from apps.places.models import Place, Zone
from tests import rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import NOON

PLAZA = Point(-29.9027, -71.2520)
FARO = Point(-29.9057, -71.2740)
FAR = Point(-29.9600, -71.3400)
BOX = [[-71.26, -29.91], [-71.24, -29.91], [-71.24, -29.89], [-71.26, -29.89], [-71.26, -29.91]]


@pytest.fixture(autouse=True)
def nobody_remembers_the_picture_of_another_test():
    cache.clear()


@pytest.fixture
def town(db):
    town = rides.town()
    edge = geometry.multipolygon({"type": "Polygon", "coordinates": [BOX]})
    Zone.objects.create(
        city=town.city,
        slug="centro",
        name="Centro",
        boundary=edge,
        cells=geometry.cells_covering(edge),
    )
    return town


def cars(town, *places, at=NOON):
    for place in places:
        worker = town.on_shift(rides.driver(), at=at)
        Position.objects.create(worker=worker, lat=place.lat, lon=place.lon, heading=90, seen_at=at)


def drive(town, *, waited, at=NOON):
    """A whole ride whose car came after so many seconds."""
    order = town.accept(town.offer(town.search(at), town.on_shift(rides.driver(), at), at), at)
    by = order.worker.actor
    town.step(order, "arrive", by, at + timedelta(seconds=waited))
    town.step(order, "board", by, at + timedelta(seconds=waited), code=order.ride.code)
    return town.step(order, "drop_off", by, at + timedelta(seconds=waited + 60))


def test_three_in_a_cell_are_told_and_two_are_not():
    crowd = crowds.gather([PLAZA, PLAZA, PLAZA, FAR, FAR])

    assert [(cell.count, cell.h3) for cell in crowd.cells] == [
        (3, geometry.cell_within(PLAZA, resolution=8))
    ]
    assert (crowd.elsewhere, crowd.total, crowd.at_least) == (None, None, 3)


def test_too_few_are_counted_with_the_wider_cell_round_them():
    neighbours = [geometry.cell_centre(one) for one in sorted(
        one for one in {geometry.cell_within(Point(PLAZA.lat + dy / 500, PLAZA.lon + dx / 500),
                                             resolution=8)
                        for dx in range(-9, 10) for dy in range(-9, 10)}
        if geometry.wider(one, resolution=7) == geometry.cell_within(PLAZA, resolution=7)
    )]  # fmt: skip

    crowd = crowds.gather(neighbours[:3])

    assert [(cell.count, cell.h3) for cell in crowd.cells] == [
        (3, geometry.cell_within(PLAZA, resolution=7))
    ]
    assert (crowd.elsewhere, crowd.total) == (0, 3)


places = st.builds(Point, lat=st.floats(-30.05, -29.85), lon=st.floats(-71.35, -71.20))


@given(st.lists(places, max_size=40))
def test_nothing_that_is_told_is_about_fewer_than_three(points):
    crowd = crowds.gather(points)

    assert all(cell.count >= 3 for cell in crowd.cells)
    assert crowd.elsewhere is None or crowd.elsewhere == 0 or crowd.elsewhere >= 3
    if crowd.elsewhere is None:
        assert 1 <= len(points) - crowd.at_least <= 2
    else:
        assert crowd.total == len(points)


def test_areas_are_called_by_the_landmark_near_their_middle(town):
    Place.objects.create(
        city=town.city, kind="LANDMARK", name="Plaza de Armas", search="plaza",
        lat=PLAZA.lat, lon=PLAZA.lon,
    )  # fmt: skip
    cars(town, *[PLAZA] * 3, *[FAR] * 3)

    cells = city_now.moving(town.city, at=NOON).cars.cells

    assert sorted((cell.count, cell.near) for cell in cells) == [(3, ""), (3, "Plaza de Armas")]


def test_waits_are_a_median_and_a_p90_of_at_least_five():
    assert day.Waits.of([60, 120, 180, 240]) == day.Waits(4, None, None)
    assert day.Waits.of([300, 60, 120, 180, 240]) == day.Waits(5, 180, 300)
    assert day.Waits.of(range(1, 11)) == day.Waits(10, 5.5, 9)


def test_the_day_says_what_was_asked_and_served_and_where_people_waited(town):
    for waited in (60, 120, 180, 240, 300):
        drive(town, waited=waited)
    town.search(NOON + timedelta(hours=1))

    today = city_now.today(town.city, at=NOON + timedelta(hours=1))

    # NOON is 08:00 in La Serena.
    assert [(one.hour, one.asked, one.served) for one in today.hours if one.asked] == [
        (8, 5, 5),
        (9, 1, 0),
    ]
    assert [one.is_open for one in today.hours] == [False] * 9 + [True]
    assert today.waits == day.Waits(5, 180, 300)
    assert today.step_free == day.Waits(0, None, None)
    assert (today.service.found, today.service.ended, today.service.rate) == (5, 5, 100)
    assert [(one.name, one.waits.median) for one in today.districts] == [("Centro", 180)]


def test_the_page_names_no_car_and_no_exact_place(client, town, settings):
    now = clock.now()
    cars(town, *[PLAZA] * 4, FAR, at=now)

    page = client.get("/city/").content.decode()
    told = client.get("/api/v1/city/now").json()

    assert told["cars"] == {
        "cells": [{"h3": geometry.cell_name(geometry.cell_within(PLAZA, resolution=8)),
                   "count": 4}],
        "elsewhere": None,
        "total": None,
    }  # fmt: skip
    assert "4 or more" in page
    for secret in ("-29.96", "-71.34", "Marco"):
        assert secret not in page
        assert secret not in json.dumps(told)


def test_a_thousand_watchers_cost_what_one_does(client, town, django_assert_num_queries):
    client.get("/city/live/")

    with django_assert_num_queries(1):
        # Which city it is; the picture is kept.
        client.get("/city/live/")


def test_an_old_picture_is_drawn_anew_by_one_and_shown_to_the_rest(town):
    first = city_now.moving(town.city, at=NOON)
    later = NOON + timedelta(seconds=10)
    cars(town, *[PLAZA] * 3)

    drawn = city_now.moving(town.city, at=later)
    cache.set(f"insight.moving.{town.city.pk}", first)

    assert (first.cars.total, drawn.cars.total) == (0, 3)
    assert city_now.moving(town.city, at=later) == first


def test_every_chart_has_its_figures_as_csv(client, town):
    now = clock.now()
    drive(town, waited=90, at=now)

    hours = list(csv.reader(io.StringIO(client.get("/city/hours.csv").content.decode())))
    districts = list(csv.reader(io.StringIO(client.get("/city/districts.csv").content.decode())))

    hour = town.city.now(now).hour
    assert hours[0] == [
        "hour", "asked", "served", "waits", "median_seconds", "p90_seconds", "still_open"
    ]  # fmt: skip
    assert hours[hour + 1] == [str(hour), "1", "1", "fewer than 5", "", "", "yes"]
    assert districts[0] == ["district", "waits", "median_seconds", "p90_seconds"]
    assert districts[1] == ["Centro", "fewer than 5", "", ""]


@pytest.mark.django_db
def test_a_house_without_a_city_says_so(client):
    assert "No city is loaded yet" in client.get("/city/").content.decode()
    assert client.get("/city/live/").status_code == 404
    assert client.get("/api/v1/city/now").status_code == 404


@each_look
def test_anybody_can_read_the_city(new_page, site, width, theme, transactional_db):
    town = rides.town()
    edge = geometry.multipolygon({"type": "Polygon", "coordinates": [BOX]})
    Zone.objects.create(
        city=town.city, slug="centro", name="Centro", boundary=edge,
        cells=geometry.cells_covering(edge),
    )  # fmt: skip
    now = clock.now()
    for hours, waits in ((0, (100, 200, 250, 260)), (1, (60, 120, 180, 240, 300, 310))):
        for waited in waits:
            drive(town, waited=waited, at=now - timedelta(hours=hours))
    cars(town, *[PLAZA] * 6, *[FARO] * 3, FAR, at=now)
    page = new_page(width=width, theme=theme, lang="es" if theme == "dark" else "en")
    told = watch(page)
    page.goto(f"{site}/city/")

    assert_accessible(page)
    screenshot(page, f"city-{width}-{theme}", full=True)
    assert told == []
