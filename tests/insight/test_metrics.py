"""The figures on rides: no figure about few, and the same again from exported rows alone."""

import io
import json
from collections import defaultdict
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.dispatch.models import Shift
from apps.insight import measures, rows, taken
from apps.insight.measures import HIDDEN, HOUR, ZONE
from apps.insight.rows import Asked, OnLine, Paid, Rows
from apps.orders.models import Order
from apps.parties import operations as parties
from apps.parties.models import Worker
from apps.places import geographies, geometry
from apps.places.models import Zone
from apps.pricing.models import Payee
from tests import rides
from tests.factories import CITY, NOON, CityFactory, UserFactory

MDS = "application/vnd.mds+json;version=2.0"
MINUTE = 60_000


def ride(hour=9, zone="centre", waited=None, **more):
    """A ride whose car came after so many minutes, or whose search found nobody."""
    came = waited is not None
    facts = {
        "step_free": False, "found": came, "unserved": not came, "boarded": came,
        "waited_ms": waited * MINUTE if came else None, "empty_metres": 1500 if came else None,
    }  # fmt: skip
    return Asked(hour, zone, **facts | more)


class TestFigures:
    def test_a_day_by_hand(self):
        day = Rows(
            asked=[
                *(ride(waited=minutes) for minutes in (2, 4, 6)),
                ride(waited=12, step_free=True, empty_metres=2500),
                *(ride(step_free=True, zone="port") for _ in range(3)),
                *(ride(waited=9, step_free=True, zone="port") for _ in range(3)),
            ],
            paid=[Paid(9, worker, 3000) for worker in (1, 2, 3)],
            on_line=[OnLine(9, worker, 90 * MINUTE) for worker in (1, 2, 3)],
        )

        assert measures.tables(day)[()][()] == {
            "trips.start_loc.count": 7,
            "cityplatform.requests.count": 10,
            "cityplatform.requests.served_percent": 70.0,
            "cityplatform.wait.avg": 437.1,
            "cityplatform.wait.med": 540.0,
            "cityplatform.wait.p95": 720.0,
            "cityplatform.empty_km.avg": 1.643,
            "cityplatform.pay_per_hour": 2000.0,
            "cityplatform.wheelchair.requests.count": 7,
            "cityplatform.wheelchair.requests.served_percent": 57.1,
            "cityplatform.wheelchair.wait.avg": 585.0,
            "cityplatform.wheelchair.wait.med": 540.0,
            "cityplatform.wheelchair.wait.p95": 720.0,
        }
        by_zone = measures.tables(day)[ZONE,]
        assert by_zone["port",]["cityplatform.wheelchair.wait.avg"] == HIDDEN
        assert by_zone["centre",]["cityplatform.wait.avg"] == 360.0
        assert by_zone["centre",]["cityplatform.pay_per_hour"] is None

    def test_an_empty_day_has_no_figures_and_no_faults(self):
        told = measures.tables(Rows())

        assert told[()][()]["cityplatform.requests.count"] == 0
        assert told[()][()]["cityplatform.wait.avg"] is None
        assert [len(table) for table in told.values()] == [1, 0, 0, 0]

    def test_a_few_are_not_told_nor_those_whose_number_would_tell_theirs(self):
        day = Rows(
            asked=[
                *[ride(zone="beach")] * 2,
                *[ride(zone="centre")] * 9,
                *[ride(zone="port")] * 4,
            ]
        )

        told = measures.tables(day)
        counts = {
            zone: figures["cityplatform.requests.count"] for (zone,), figures in told[ZONE,].items()
        }

        assert told[()][()]["cityplatform.requests.count"] == 15
        assert counts == {"beach": HIDDEN, "centre": 9, "port": HIDDEN}
        assert told[ZONE, HOUR]["port", 9]["cityplatform.requests.count"] == HIDDEN

    def test_the_pay_of_two_is_nobodys_business(self):
        two = Rows(
            paid=[Paid(9, 1, 9000), Paid(9, 2, 1000)],
            on_line=[OnLine(9, worker, 60 * MINUTE) for worker in (1, 2)],
        )

        assert measures.tables(two)[()][()]["cityplatform.pay_per_hour"] == HIDDEN
        assert measures.tables(two, k=1)[()][()]["cityplatform.pay_per_hour"] == 5000.0


HOURS, ZONES = st.integers(7, 10), st.sampled_from(["", "beach", "centre", "port"])


@st.composite
def some_asked(draw):
    found, boarded = draw(st.booleans()), draw(st.booleans())
    came = found and draw(st.booleans())
    return Asked(
        hour=draw(HOURS),
        zone=draw(ZONES),
        step_free=draw(st.booleans()),
        found=found,
        unserved=not found and draw(st.booleans()),
        boarded=came and boarded,
        waited_ms=draw(st.integers(0, 3_000_000)) if came else None,
        empty_metres=draw(st.integers(0, 9000)) if found else None,
    )


WORKERS = st.integers(1, 6)
SOME_ROWS = st.builds(
    Rows,
    asked=st.lists(some_asked(), max_size=60),
    paid=st.lists(st.builds(Paid, HOURS, WORKERS, st.integers(1, 9000)), max_size=10),
    on_line=st.lists(st.builds(OnLine, HOURS, WORKERS, st.integers(1, 3_600_000)), max_size=10),
)


class TestAnyDay:
    @settings(deadline=None, max_examples=40)
    @given(SOME_ROWS)
    def test_the_same_again_from_a_sheet(self, day):
        sheet = io.StringIO()
        rows.write(day, sheet)

        again = rows.read(io.StringIO(sheet.getvalue()))

        assert again == day
        assert measures.told(again) == measures.told(day)

    @settings(deadline=None, max_examples=40)
    @given(SOME_ROWS)
    def test_no_count_is_about_fewer_than_three(self, day):
        for table in measures.tables(day).values():
            for figures in table.values():
                for name, figure in figures.items():
                    if name.endswith(".count"):
                        assert figure in (0, HIDDEN) or figure >= 3

    @settings(deadline=None, max_examples=40)
    @given(SOME_ROWS)
    def test_what_a_line_hides_adds_up_to_enough(self, day):
        told, true = measures.tables(day), measures.tables(day, k=1)
        lines = [
            ((), (), (ZONE,), lambda key: True),
            ((), (), (HOUR,), lambda key: True),
            *(
                ((ZONE,), zone, (ZONE, HOUR), lambda key, zone=zone: key[:1] == zone)
                for zone in true[ZONE,]
            ),
            *(
                ((HOUR,), hour, (ZONE, HOUR), lambda key, hour=hour: key[1:] == hour)
                for hour in true[HOUR,]
            ),
        ]  # fmt: skip
        name = "cityplatform.requests.count"
        for by, key, parts, is_in_line in lines:
            if key not in told[by] or told[by][key][name] == HIDDEN:
                continue
            hidden = sum(
                true[parts][part][name]
                for part, figures in told[parts].items()
                if is_in_line(part) and figures[name] == HIDDEN
            )
            assert hidden == 0 or hidden >= 3

    @settings(deadline=None, max_examples=40)
    @given(SOME_ROWS)
    def test_parts_add_up_to_the_whole(self, day):
        true = measures.tables(day, k=1)
        for by in ((ZONE,), (HOUR,), (ZONE, HOUR)):
            sums = defaultdict(int)
            for figures in true[by].values():
                for name, figure in figures.items():
                    if name.endswith(".count"):
                        sums[name] += figure
            for name, total in sums.items():
                assert true[()][()][name] == total


class TestSheets:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("kind,hour\n", "its first line is not kind,hour,zone"),
            (f"{','.join(rows.FIELDS)}\npaid,9,,,,,,,,1,much,\n", "line 2 is no row"),
            (f"{','.join(rows.FIELDS)}\nslept,9,,,,,,,,,,\n", "line 2 is no row"),
        ],
    )
    def test_what_is_no_sheet_is_said_to_be_none(self, tmp_path, text, why):
        path = tmp_path / "rows.csv"
        path.write_text(text)

        with pytest.raises(CommandError, match=why):
            call_command("recompute_metrics", str(path))


@pytest.fixture
def town(db):
    """Four rides from the plaza at noon and one whose search found nobody; three drivers."""
    cache.clear()
    town = rides.town()
    box = [[-71.26, -29.91], [-71.24, -29.91], [-71.24, -29.89], [-71.26, -29.89], [-71.26, -29.91]]
    edge = geometry.multipolygon({"type": "Polygon", "coordinates": [box]})
    Zone.objects.create(
        city=town.city, slug="centro", name="Centro", boundary=edge,
        cells=geometry.cells_covering(edge), drawn_at=NOON,
    )  # fmt: skip
    drivers = [town.on_shift(rides.driver(), NOON) for _ in range(3)]
    for worker, minutes in zip([*drivers, drivers[0]], (2, 4, 6, 8), strict=True):
        begins = NOON + timedelta(minutes=20 * (minutes == 8))
        order = town.accept(town.offer(town.search(begins), worker, begins), begins)
        came = begins + timedelta(minutes=minutes)
        town.step(order, "arrive", worker.actor, came)
        town.step(order, "board", worker.actor, came, code=order.ride.code)
        town.step(order, "drop_off", worker.actor, came + timedelta(minutes=5))
    return town


@pytest.fixture
def ask(client):
    """A program of an officer who may see orders."""
    officer = UserFactory(is_staff=True)
    officer.user_permissions.add(Permission.objects.get(codename="view_order"))
    _, secret = parties.issue_token(
        user_id=officer.pk, name="figures", expires_at=None, by=CITY, at=NOON
    )

    def ask(method="post", **query):
        return client.generic(
            method.upper(),
            "/mds/metrics",
            json.dumps(query),
            content_type=MDS,
            headers={"authorization": f"Bearer {secret}"},
        )

    return ask


DAY = "2027-05-01"
# Midnight in La Serena, four hours behind.
BEGINS = f"{DAY}T00:00-04:00"
QUERY = {"measures": list(measures.MEASURES), "interval": "P1D", "start_date": BEGINS}


class TestTheCity:
    def test_a_day_is_told_in_the_shape_of_mds(self, town, ask):
        answer = ask(
            **QUERY | {"measures": ["trips.start_loc.count", "cityplatform.wait.avg"]},
            dimensions=["geography_id"],
        )

        assert (answer.status_code, answer["Content-Type"]) == (200, MDS)
        body = answer.json()
        zone = Zone.objects.get()
        ref = str(geographies.ref_of("la-serena", "centro", zone.drawn_at))
        assert body["rows"] == [["2027-05-01T04:00+00:00", ref, 4, 300.0]]
        assert body["columns"] == [
            {"name": "interval_start", "column_type": "dimension", "data_type": "datetime"},
            {"name": "geography_id", "column_type": "dimension", "data_type": "string"},
            {
                "name": "trips.start_loc.count",
                "column_type": "measure",
                "data_type": "integer",
            },
            {"name": "cityplatform.wait.avg", "column_type": "measure", "data_type": "float"},
        ]
        assert body["query"]["k_value"] == 3

    @pytest.mark.parametrize(("interval", "by"), [("P1D", ()), ("PT1H", (HOUR,))])
    @pytest.mark.parametrize("dimensions", [[], ["geography_id"]])
    def test_exported_rows_give_the_same_figures(
        self, town, ask, tmp_path, interval, by, dimensions, django_db_blocker
    ):
        sheet, told = tmp_path / "rows.csv", io.StringIO()
        call_command("export_metrics_rows", day=NOON.date(), out=sheet, stdout=io.StringIO())
        with django_db_blocker.block():
            call_command("recompute_metrics", str(sheet), stdout=told)
        by = ((ZONE,) if dimensions else ()) + by
        [table] = [
            one["rows"]
            for one in json.loads(told.getvalue())["tables"]
            if one["dimensions"] == list(by)
        ]

        answer = ask(
            **QUERY | {"interval": interval},
            end_date=f"{DAY}T23:00-04:00",
            dimensions=dimensions,
            timezone="America/Santiago",
        ).json()

        assert [row[1 + len(dimensions) :] for row in answer["rows"]] == [
            [row["figures"][name] for name in measures.MEASURES] for row in table
        ]
        if interval == "PT1H":
            hours = [int(row[0][11:13]) for row in answer["rows"]]
            assert hours == [row["hour"] for row in table]

    def test_the_figures_of_the_day_are_what_happened(self, town, ask):
        [row] = ask(**QUERY).json()["rows"]

        figures = dict(zip(measures.MEASURES, row[1:], strict=True))
        pay = figures.pop("cityplatform.pay_per_hour")
        assert figures == {
            "trips.start_loc.count": 4,
            "cityplatform.requests.count": 4,
            "cityplatform.requests.served_percent": 100.0,
            "cityplatform.wait.avg": 300.0,
            "cityplatform.wait.med": 300.0,
            "cityplatform.wait.p95": 480.0,
            "cityplatform.empty_km.avg": 0.9,
            "cityplatform.wheelchair.requests.count": 0,
            "cityplatform.wheelchair.requests.served_percent": None,
            "cityplatform.wheelchair.wait.avg": None,
            "cityplatform.wheelchair.wait.med": None,
            "cityplatform.wheelchair.wait.p95": None,
        }
        # The clock of this machine is before the day: nobody has been on line yet.
        assert pay is None

    def test_an_hour_on_line_is_paid_what_its_rides_left_breaks_included(self, town):
        drivers = Worker.objects.filter(shifts__isnull=False)
        for worker, minutes in zip(drivers, (60, 90, 90), strict=True):
            Shift.objects.filter(worker=worker).update(ended_at=NOON + timedelta(minutes=minutes))

        found = taken.rows(town.city, NOON.date(), at=NOON + timedelta(days=1))

        assert sorted((one.hour, one.on_line_ms // MINUTE) for one in found.on_line) == [
            (8, 60), (8, 60), (8, 60), (9, 30), (9, 30)
        ]  # fmt: skip
        parts = [order.quote.part_of(Payee.PROVIDER) for order in Order.objects.all()]
        assert sorted(one.pay_minor for one in found.paid) == sorted(parts)
        assert {one.worker for one in found.on_line} == {1, 2, 3}
        name = "cityplatform.pay_per_hour"
        assert parts == [2359] * 4
        assert measures.tables(found)[()][()][name] == 2359.0
        assert [one[name] for one in measures.tables(found)[HOUR,].values()] == [HIDDEN] * 2
        assert [one[name] for one in measures.tables(found, k=1)[HOUR,].values()] == [3145.3, 0.0]

    def test_a_shift_past_midnight_belongs_to_both_days(self, town):
        Shift.objects.update(started_at=NOON + timedelta(hours=15, minutes=30), ended_at=None)
        until = NOON + timedelta(hours=16, minutes=15)

        first, second = (
            taken.rows(town.city, NOON.date() + timedelta(days=days), at=until).on_line
            for days in (0, 1)
        )

        assert [(one.hour, one.on_line_ms // MINUTE) for one in first] == [(23, 30)] * 3
        assert [(one.hour, one.on_line_ms // MINUTE) for one in second] == [(0, 15)] * 3

    def test_what_can_be_asked_is_told(self, town, ask):
        assert ask("get").json() == {
            "metrics": [
                {
                    "measures": list(measures.MEASURES),
                    "since": f"{DAY}T00:00-04:00",
                    "intervals": ["PT1H", "P1D"],
                }
            ],
            "max_intervals": 169,
            "dimensions": ["geography_id"],
            "filters": [],
        }

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"measures": ["fares.avg"]}, "measures: "),
            ({"interval": "PT15M"}, "interval: "),
            ({"start_date": "yesterday"}, "start_date: "),
            ({"start_date": "253402300799000"}, "start_date: "),
            ({"start_date": "0001-01-01T00:00+14:00"}, "start_date: "),
            ({"start_date": "9" * 30}, "start_date: "),
            ({"end_date": "2027-06-01T00:00-04:00"}, "end_date: "),
            ({"end_date": "2027-04-01T00:00-04:00"}, "end_date: "),
            ({"timezone": "Mars/Olympus"}, "timezone: "),
            ({"start_date": "1809230400000", "timezone": "UTC"}, "timezone: "),
            ({"dimensions": ["provider_id"]}, "dimensions: "),
            ({"filters": [{"name": "geography_id", "values": []}]}, "filters: "),
        ],
    )
    def test_what_cannot_be_asked_is_a_bad_request(self, db, ask, change, fault):
        CityFactory()
        answer = ask(**QUERY | change)

        assert (answer.status_code, answer.json()["error"]) == (400, "bad_param")
        assert answer.json()["error_details"][0].startswith(fault)

    def test_a_number_is_answered_with_numbers(self, town, ask):
        begins = str(round((NOON - timedelta(hours=8)).timestamp() * 1000))

        [row] = ask(**QUERY | {"start_date": begins}).json()["rows"]

        assert row[0] == int(begins)

    def test_only_officers_with_leave_ask(self, town, client):
        assert client.get("/mds/metrics").status_code == 401
        client.force_login(UserFactory(is_staff=True))
        answer = client.get("/mds/metrics")
        assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")
