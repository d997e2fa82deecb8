import re
from datetime import timedelta
from html import unescape

import pytest

from apps.dispatch.models import Position
from apps.insight import queries
from apps.kernel import clock
from tests import factories, rides
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    return client


def test_every_number_on_the_first_page_leads_to_its_rows(officer):
    rides.town()

    page = officer.get("/admin/").content.decode()

    links = re.findall(r'class="tile[^"]*" href="([^"]+)"', page)
    assert len(links) == 36
    answers = {link: officer.get(unescape(link)).status_code for link in links}
    assert answers == dict.fromkeys(links, 200)


def test_worklists_count_what_waits():
    town = rides.town()
    order = town.search()
    at = NOON + queries.WAITS_TOO_LONG

    urgent = {str(one.label): one.value for one in queries.worklists(at) if one.is_urgent}

    assert urgent["Rides unanswered for 3 minutes"] == 1
    assert order.stage == "searching"


def test_the_live_map_shows_cars_and_rides_to_officers_alone(client, officer):
    town = rides.town()
    now = clock.now()
    town.on_shift(at=now)
    Position.objects.create(worker=town.worker, lat=-29.9, lon=-71.25, heading=90, seen_at=now)
    order = town.search(at=now)

    state = officer.get("/admin/live-map/data/").json()

    assert [(car["id"], car["busy"]) for car in state["cars"]] == [(town.worker.pk, False)]
    assert [ride["ref"] for ride in state["rides"]] == [str(order.ref)]
    assert officer.get("/admin/live-map/").status_code == 200

    client.force_login(town.rider)
    assert client.get("/admin/live-map/data/").status_code == 302


def test_a_median_of_few_is_not_shown():
    town = rides.town()
    town.drive(town.confirm())

    figures = {str(one.label): one.value for one in queries.today(town.city, NOON)}

    assert (figures["Rides done"], figures["Median wait for the car"]) == (1, "fewer than 5")


def test_each_number_is_the_number_of_rows_behind_it(officer):
    """Follows each tile of the first page and counts what the list shows."""
    town = rides.town()
    now = clock.now()
    town.drive(town.confirm(at=now), at=now)
    town.search(at=now)
    # Of yesterday and of last month: in the wider lists, and not in today's.
    town.search(at=now - timedelta(days=1))
    town.search(at=now - timedelta(days=40))
    page = officer.get("/admin/").content.decode()

    tiles = re.findall(
        r'class="tile(?: tile--urgent)?" href="([^"]+)"><strong>([^<]+)</strong>'
        r"<span>([^<]+)</span>(?:<small>([^<]+)</small>)?",
        page,
    )
    counts = [(url, int(value if value.isdigit() else re.findall(r"\d+", note)[-1]), label)
              for url, value, label, note in tiles]  # fmt: skip
    listed = {
        (label, url): officer.get(unescape(url)).context["cl"].result_count
        for url, _count, label in counts
    }

    assert listed == {(label, url): count for url, count, label in counts}
    placed = [count for _url, count, label in counts if label == "Orders placed"]
    assert placed == [2, 3]
    hours = re.findall(r'<a href="([^"]+)">\d+/(\d+)</a>', page)
    assert sum(int(asked) for _url, asked in hours) == 2
    for url, asked in hours:
        assert officer.get(unescape(url)).context["cl"].result_count == int(asked)
