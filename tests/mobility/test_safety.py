"""What is unusual on a ride, who is asked about it, and what an officer gets to see."""

from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import Permission
from django.test import Client

from apps.audit.models import Record
from apps.dispatch import queries as dispatch
from apps.dispatch import telemetry, trail
from apps.insight import queries as insight
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations, queries, safety
from apps.mobility.models import Alert, Ride, SafetyCheck, SafetyRules
from apps.orders import live
from apps.places import tiles
from apps.places.geometry import Point
from apps.places.models import City
from tests import factories, races, rides
from tests.browser import WIDTHS, assert_accessible, each_look, screenshot, watch
from tests.factories import CITY, NOON, OFFICER
from tests.mobility.test_sockets import Line

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OFF_WAY, STILL, LATE, SILENT = SafetyCheck.Kind
# A way of 2 km along a parallel, and metres north of its middle.
WAY = [[-71.26, -29.9], [-71.24, -29.9]]
DEGREE = 111_195


def beside(metres: float, east: float = 0.01) -> Point:
    return Point(-29.9 + metres / DEGREE, -71.26 + east)


def moments(*points: Point, every: int = 10, until=NOON) -> list[safety.Moment]:
    count = len(points)
    return [
        safety.Moment(point, until - (count - 1 - place) * every * SECOND)
        for place, point in enumerate(points)
    ]


def ride(trail=(), **more) -> safety.UnderWay:
    told = {
        "way": WAY,
        "stops": [Point(-29.9, -71.26), Point(-29.9, -71.24)],
        "boarded_at": NOON - 5 * MINUTE,
        "seconds": 600,
        "trail": list(trail),
        "heard_at": NOON,
    }
    return safety.UnderWay(**told | more)


def moving(metres: float, count: int) -> list[Point]:
    return [beside(metres, 0.005 + place * 0.001) for place in range(count)]


class TestWhatIsUnusual:
    def unusual(self, under_way, at=NOON, **rules):
        return safety.unusual(under_way, SafetyRules(**rules), at)

    def test_a_ride_that_goes_as_planned_is_not(self):
        assert self.unusual(ride(moments(*moving(20, 13)))) == {}

    def test_so_far_off_the_way_for_so_long_is(self):
        assert self.unusual(ride(moments(*moving(510, 13)))) == {
            OFF_WAY: {"metres": 510, "seconds": 120}
        }

    @pytest.mark.parametrize(
        "trail",
        [
            moments(*moving(490, 13)),
            moments(*moving(510, 12)),
            # Back on the way a moment ago.
            moments(*moving(510, 13), beside(20, 0.018)),
            [],
        ],
        ids=["nearer", "shorter", "back again", "unknown"],
    )
    def test_less_far_or_less_long_is_not(self, trail):
        assert self.unusual(ride(trail)) == {}

    def test_of_a_straight_line_nobody_can_be_off(self):
        assert self.unusual(ride(moments(*moving(5_000, 13)), way=[])) == {}

    def test_standing_still_for_long_is(self):
        assert self.unusual(ride(moments(*[beside(5)] * 31))) == {STILL: {"seconds": 300}}
        assert self.unusual(ride(moments(*[beside(5)] * 30))) == {}
        assert self.unusual(ride(moments(*[beside(5)] * 30, beside(60)))) == {}

    def test_standing_at_a_stop_is_not(self):
        assert self.unusual(ride(moments(*[beside(40, 0.02)] * 31))) == {}
        assert self.unusual(ride(moments(*[beside(60, 0.02)] * 31))) == {STILL: {"seconds": 300}}

    def test_longer_than_promised_by_both_measures_is(self):
        short, long = ride(seconds=600), ride(seconds=6_000)
        for under_way, longest in ((short, 1_200), (long, 9_000)):
            end = under_way.boarded_at + longest * SECOND
            heard = {"way": [], "heard_at": end}
            late = ride(seconds=under_way.seconds, **heard)
            assert self.unusual(late, end - SECOND) == {}
            assert self.unusual(late, end) == {
                LATE: {"seconds": longest, "promised": under_way.seconds}
            }

    def test_a_car_that_says_nothing_is(self):
        assert self.unusual(ride(heard_at=NOON - 179 * SECOND)) == {}
        assert self.unusual(ride(heard_at=NOON - 180 * SECOND)) == {SILENT: {"seconds": 180}}

    def test_the_city_says_what_far_and_long_are(self):
        off = ride(moments(*moving(110, 4)))

        assert self.unusual(off, off_way_metres=100, off_way_seconds=30) == {
            OFF_WAY: {"metres": 110, "seconds": 30}
        }


@pytest.fixture
def town(db):
    return rides.town()


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def aboard(town, at=NOON):
    order = town.confirm(at)
    town.step(order, "arrive", town.worker.actor, at)
    return town.step(order, "board", town.worker.actor, at, code=order.ride.code)


def drives(town, place: Point, at) -> None:
    telemetry.keep([(town.worker.pk, place.lat, place.lon, -1, at.timestamp())])
    trail.record()


def asked(town, at=NOON, kind=SILENT):
    """A ride on which something was unusual, as it happens: both are asked."""
    order = aboard(town, at)
    operations.ask_if_well(
        order_id=order.pk, kind=kind, facts={"seconds": 180}, here=None, by=CITY, at=at
    )
    return order


def answer(town, order, said, who=Kind.CONSUMER, at=NOON + MINUTE):
    by = town.rider.acting(who) if who == Kind.CONSUMER else town.worker.actor
    return operations.answer_check(order_id=order.pk, answer=said, by=by, at=at)


class TestAsking:
    def test_a_car_that_leaves_the_way_is_asked_about_once(self, town):
        order = aboard(town)
        Ride.objects.update(line=WAY, is_estimate=False)
        for second in range(0, 121, 10):
            drives(town, beside(600, second / 10_000), NOON + second * SECOND)
            done = operations.look_after_rides(at=NOON + second * SECOND)
            assert done == (second == 120)
        assert operations.look_after_rides(at=NOON + 121 * SECOND) == 0

        check = SafetyCheck.objects.get()
        assert (check.order, check.kind, check.asked_at) == (order, OFF_WAY, NOON + 120 * SECOND)
        assert check.facts == {"metres": 600, "seconds": 120}
        assert (check.lat, check.lon) == (beside(600).lat, beside(600, 0.012).lon)

    def test_a_car_that_falls_silent_or_takes_too_long_is_asked_about(self, town):
        order = aboard(town)

        assert operations.look_after_rides(at=NOON + 179 * SECOND) == 0
        assert operations.look_after_rides(at=NOON + 180 * SECOND) == 1
        late = NOON + (order.ride.seconds + 600) * SECOND
        drives(town, beside(0), late)
        operations.look_after_rides(at=late)

        assert set(SafetyCheck.objects.values_list("kind", flat=True)) == {SILENT, LATE}

    def test_nobody_is_asked_before_boarding_or_after_the_drop_off(self, town):
        order = town.confirm()
        town.step(order, "arrive", town.worker.actor)
        assert operations.look_after_rides(at=NOON + 60 * MINUTE) == 0
        town.step(order, "board", town.worker.actor, code=order.ride.code)
        town.step(order, "drop_off", town.worker.actor)

        assert operations.look_after_rides(at=NOON + 60 * MINUTE) == 0
        operations.ask_if_well(order_id=order.pk, kind=LATE, facts={}, here=None, by=CITY, at=NOON)
        assert SafetyCheck.objects.count() == 0

    def test_a_line_that_nobody_measured_by_street_is_no_way(self, town):
        aboard(town)
        Ride.objects.update(line=WAY, is_estimate=True)
        for second in range(0, 121, 10):
            drives(town, beside(600, second / 10_000), NOON + second * SECOND)

        assert operations.look_after_rides(at=NOON + 120 * SECOND) == 0

    def test_looking_after_many_rides_costs_as_much_as_after_one(
        self, town, django_assert_num_queries
    ):
        def look():
            return queries.rides_under_way(NOON + MINUTE)

        aboard(town)
        with django_assert_num_queries(3):
            assert len(look()) == 1
        town.worker = rides.driver("Ana Soto")
        aboard(town)
        with django_assert_num_queries(3):
            assert len(look()) == 2

    @pytest.mark.django_db(transaction=True)
    def test_two_who_look_at_once_ask_once(self, town):
        aboard(town)
        at = NOON + 180 * SECOND

        done = races.at_once(*[lambda: operations.look_after_rides(at=at)] * 2)

        assert sorted(done) == [0, 1]
        assert SafetyCheck.objects.count() == 1

    def test_both_are_asked_on_their_pages_and_by_socket(self, town):
        assert live.state_of(aboard(town), NOON)["check"] is None
        order = asked(town_of_another(town))

        expected = {"asked_at": NOON, "kind": SILENT, "kinds": [SILENT]}
        assert live.state_of(order, NOON)["check"] == expected
        assert queries.check_of(order, "DRIVER", NOON) == expected


def town_of_another(town):
    town.worker = rides.driver("Ana Soto")
    return town


class TestAnswering:
    def test_all_is_well_settles_it(self, town):
        order = asked(town)

        assert answer(town, order, "WELL") is None
        assert answer(town, order, "HELP", at=NOON + 2 * MINUTE).part == "RIDER"

        check = SafetyCheck.objects.get()
        assert (check.rider_said, check.rider_said_at) == ("WELL", NOON + MINUTE)
        assert queries.check_of(order, "RIDER", NOON + MINUTE) is None
        assert operations.look_after_rides(at=NOON + 2 * MINUTE) == 0
        assert check.escalated_at is None

    def test_one_answer_answers_all_that_was_asked(self, town):
        order = asked(town)
        operations.ask_if_well(
            order_id=order.pk, kind=LATE, facts={}, here=None, by=CITY, at=NOON + SECOND
        )
        assert queries.check_of(order, "RIDER", NOON + SECOND)["kinds"] == [LATE, SILENT]

        answer(town, order, "WELL")

        assert set(SafetyCheck.objects.values_list("rider_said", flat=True)) == {"WELL"}

    @pytest.mark.parametrize(("who", "part"), [(Kind.CONSUMER, "RIDER"), (Kind.WORKER, "DRIVER")])
    def test_whoever_needs_help_has_called_for_it(self, town, who, part):
        order = asked(town)

        alerts = [answer(town, order, "HELP", who), answer(town, order, "HELP", who)]

        assert alerts[0] == alerts[1] == Alert.objects.get()
        assert (alerts[0].part, alerts[0].raised_at) == (part, NOON + MINUTE)

    def test_an_officer_hears_of_a_rider_who_does_not_answer_whatever_the_driver_says(self, town):
        order = asked(town)
        answer(town, order, "WELL", Kind.WORKER)
        # The car is heard of again, so nothing else is asked.
        drives(town, beside(0), NOON + 170 * SECOND)

        assert operations.look_after_rides(at=NOON + 179 * SECOND) == 0
        assert urgent() == {}
        assert operations.look_after_rides(at=NOON + 180 * SECOND) == 1
        assert operations.look_after_rides(at=NOON + 181 * SECOND) == 0
        assert urgent() == {"Safety checks without an answer": 1}

        check = SafetyCheck.objects.get()
        for _ in range(2):
            operations.close_check(
                check_id=check.pk, reason="She sleeps", by=OFFICER, at=NOON + 4 * MINUTE
            )
        check.refresh_from_db()
        assert (check.closed_at, check.reason) == (NOON + 4 * MINUTE, "She sleeps")
        assert urgent() == {}

    def test_how_long_an_officer_waits_is_the_citys_rule(self, town):
        operations.set_safety_rules(
            city_id=town.city.pk, figures={"answer_seconds": 60}, by=OFFICER, at=NOON
        )
        asked(town)

        assert queries.checks_to_hand_over(NOON + 59 * SECOND) == []
        assert queries.checks_to_hand_over(NOON + 60 * SECOND) == [SafetyCheck.objects.get().pk]

    def test_the_question_stays_half_an_hour_after_the_ride(self, town):
        order = asked(town)
        order = town.step(order, "drop_off", town.worker.actor, NOON + MINUTE)

        assert queries.check_of(order, "RIDER", NOON + 31 * MINUTE - SECOND) is not None
        assert queries.check_of(order, "RIDER", NOON + 31 * MINUTE) is None

    def test_everything_said_stays_on_record(self, town):
        order = asked(town)
        answer(town, order, "WELL")
        rides.relay_all(NOON + MINUTE)

        told = Record.objects.filter(topic__startswith="mobility.check").order_by("pk")
        assert [(one.topic, one.by) for one in told] == [
            ("mobility.check_asked", str(CITY)),
            ("mobility.check_answered", f"consumer:{town.rider.pk}"),
        ]
        assert told[1].body["answer"] == "WELL"


def urgent() -> dict[str, object]:
    return {str(one.label): one.value for one in insight.worklists(NOON) if one.is_urgent}


class TestTheCitysRules:
    def test_are_kept_and_put_on_record_when_they_change(self, town):
        for _ in range(2):
            operations.set_safety_rules(
                city_id=town.city.pk,
                figures={"off_way_metres": 400, "trail_days": 30},
                by=OFFICER,
                at=NOON,
            )
        rides.relay_all(NOON)

        assert SafetyRules.objects.get(city=town.city).off_way_metres == 400
        record = Record.objects.get(topic="mobility.safety_rules_set")
        assert record.body == {"city": town.city.pk, "changed": {"off_way_metres": 400}}

    def test_ways_are_kept_for_thirty_days_or_as_long_as_the_city_says(self, town):
        order = aboard(town)
        drives(town, beside(0), NOON + SECOND)
        month = NOON + SECOND + timedelta(days=30)

        assert operations.forget_ways(at=month) == 0
        operations.set_safety_rules(
            city_id=town.city.pk, figures={"trail_days": 31}, by=OFFICER, at=NOON
        )
        assert operations.forget_ways(at=month + SECOND) == 0
        assert operations.forget_ways(at=month + timedelta(days=1, seconds=1)) == 1
        assert dispatch.trail_of(order.ref) == []

    def test_the_way_of_a_ride_that_an_officer_looks_into_is_kept(self, town):
        order = asked(town)
        drives(town, beside(0), NOON + SECOND)
        operations.hand_over(check_id=SafetyCheck.objects.get().pk, by=CITY, at=NOON)
        late = NOON + timedelta(days=40)

        assert operations.forget_ways(at=late) == 0
        operations.close_check(
            check_id=SafetyCheck.objects.get().pk, reason="Well", by=OFFICER, at=NOON
        )
        alert = answer(town, order, "HELP")
        assert operations.forget_ways(at=late) == 0
        operations.close_alert(alert_id=alert.pk, reason="Well", by=OFFICER, at=NOON)
        assert operations.forget_ways(at=late) == 1

    def test_officers_change_them_if_they_may(self, town):
        officer = officer_with("view_safetyrules")
        figures = {
            field.name: field.default
            for field in SafetyRules._meta.fields
            if field.name not in ("id", "city")
        }
        sent = {"city": town.city.pk} | figures | {"still_seconds": 240}
        assert client_of(officer).post("/admin/mobility/safetyrules/add/", sent).status_code == 403

        officer = officer_with("view_safetyrules", "add_safetyrules", "change_safetyrules")
        client = client_of(officer)
        client.post("/admin/mobility/safetyrules/add/", sent)
        rules = SafetyRules.objects.get()
        assert (rules.city, rules.still_seconds) == (town.city, 240)
        page = f"/admin/mobility/safetyrules/{rules.pk}/change/"
        told = client.post(page, sent | {"answer_seconds": 5})
        assert told.status_code == 200
        client.post(page, sent | {"answer_seconds": 90})
        rules.refresh_from_db()
        assert rules.answer_seconds == 90


def officer_with(*permissions: str):
    officer = factories.UserFactory(is_staff=True)
    officer.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return officer


class TestPagesAndPrograms:
    def test_only_the_two_on_the_ride_answer(self, town):
        order = asked(town, clock.now())
        stranger = client_of(factories.UserFactory())
        teammate = client_of(factories.WorkerFactory(provider=town.worker.provider).user)
        for somebody in (stranger, teammate):
            for page in (f"/rides/{order.ref}/check/", f"/drive/rides/{order.ref}/check/"):
                assert somebody.post(page, {"answer": "WELL"}).status_code == 404
            told = somebody.post(
                f"/api/v1/orders/{order.ref}/check",
                {"answer": "WELL"},
                content_type="application/json",
            )
            assert told.status_code == 404
        assert SafetyCheck.objects.get().rider_said == ""

        rider, driver = client_of(town.rider), client_of(town.worker.user)
        page = f"/rides/{order.ref}/check/"
        assert rider.post(page, {"answer": "perhaps"}).status_code == 422
        assert rider.post(page, {"answer": "WELL"}).status_code == 302
        assert driver.post(f"/drive{page}", {"answer": "HELP"}).status_code == 302
        check = SafetyCheck.objects.get()
        assert (check.rider_said, check.driver_said) == ("WELL", "HELP")
        assert Alert.objects.get().part == "DRIVER"

    def test_programs_answer(self, town):
        order = asked(town, clock.now())
        address, rider = f"/api/v1/orders/{order.ref}/check", client_of(town.rider)
        assert rider.get(f"/api/v1/orders/{order.ref}").json()["details"]["check"]["kind"] == SILENT
        driver = client_of(town.worker.user)
        assert driver.get("/api/v1/driver").json()["rides"][0]["check"]["kind"] == SILENT

        def send(client, **what):
            return client.post(address, what, content_type="application/json")

        assert send(rider, answer="perhaps").status_code == 422
        assert send(rider, answer="WELL").json() == {"answer": "WELL", "alert": None}
        assert rider.get(f"/api/v1/orders/{order.ref}").json()["details"]["check"] is None
        told = send(driver, answer="HELP", here={"lat": -29.9, "lon": -71.25})
        assert (told.status_code, told.json()["alert"]["part"]) == (200, "DRIVER")
        assert Alert.objects.get().lat == -29.9

    def test_where_a_ride_went_is_shown_to_officers_with_leave_who_say_why(self, town):
        order = aboard(town)
        Ride.objects.update(line=WAY)
        for second in (1, 10, 31, 61):
            drives(town, beside(100, second / 10_000), NOON + second * SECOND)
        page = f"/admin/mobility/ride/{order.ref}/trail/"
        without = client_of(officer_with("view_ride", "view_order"))
        assert without.get(page).status_code == 403
        client = client_of(officer_with("view_ride", "view_order", "view_trace"))
        told = client.get(f"/admin/orders/order/{order.pk}/change/").content.decode()
        assert page in told

        assert "map-data" not in client.get(page).content.decode()
        assert "map-data" not in client.post(page, {"reason": ""}).content.decode()
        told = client.post(page, {"reason": "Call 17"})
        rides.relay_all(clock.now())

        times = [row["time"] for row in told.context["rows"]]
        assert times == [f"{town.city.now(NOON + n * SECOND):%H:%M:%S}" for n in (1, 31, 61)]
        assert {row["metres"] for row in told.context["rows"]} == {100}
        record = Record.objects.get(topic="dispatch.trail_opened")
        assert (record.body["holder"], record.body["reason"]) == (str(order.ref), "Call 17")
        assert "no-store" in told.headers["Cache-Control"]


@pytest.mark.django_db(transaction=True)
@each_look
def test_both_are_asked_whether_all_is_well(town, new_page, site, width, theme):
    order = asked(town, clock.now())
    for who, user, address, button, said in (
        ("driver", town.worker.user, "/drive/", "All is well", "Thank you. Have a good ride."),
        (
            "rider",
            town.rider,
            f"/rides/{order.ref}/",
            "I need help",
            "The city's desk has your call for help.",
        ),
    ):
        page = new_page(width=width, theme=theme)
        told = watch(page)
        cookie = client_of(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
        page.goto(f"{site}{address}")
        page.get_by_role("heading", name="Is everything all right?").wait_for()
        assert_accessible(page)
        screenshot(page, f"check-{who}-{width}-{theme}")
        page.get_by_role("button", name=button).click()
        page.get_by_text(said).first.wait_for()
        assert page.get_by_role("heading", name="Is everything all right?").count() == 0
        assert [line for line in told if "/ws/" not in line] == []
    check = SafetyCheck.objects.get()
    assert (check.rider_said, check.driver_said) == ("HELP", "WELL")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", WIDTHS)
def test_officers_see_where_a_ride_went(town, new_page, site, width, settings, tmp_path):
    # A map of a city without a street: blank, and drawn.
    settings.DATA_DIR = tmp_path
    tiles.folder(town.city.slug, "blank").mkdir(parents=True)
    City.objects.update(tiles_version="blank")
    now = clock.now()
    order = aboard(town, now)
    for place in range(12):
        drives(town, beside(100, place / 1_000), now + (1 + 15 * place) * SECOND)
    officer = officer_with("view_ride", "view_order", "view_trace")
    page = new_page(width=width)
    told = watch(page)
    cookie = client_of(officer).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    page.goto(f"{site}/admin/mobility/ride/{order.ref}/trail/")
    assert_accessible(page)
    page.get_by_label("Why you look at where these people were").fill("Call 17")
    page.get_by_role("button", name="Show the way").click()
    page.get_by_text("12 moments are kept").wait_for()
    page.locator("city-map.is-drawn").wait_for()
    assert_accessible(page)
    screenshot(page, f"trail-{width}", full=True)
    assert told == []


@pytest.mark.django_db(transaction=True)
async def test_the_question_comes_down_both_lines_at_once():
    town = await database_sync_to_async(rides.town)()
    order = await database_sync_to_async(aboard)(town, clock.now())
    driver = await database_sync_to_async(Line)(town.worker.user)
    rider = await database_sync_to_async(Line)(town.rider, f"/ws/order/{order.ref}")
    for line in (driver, rider):
        assert await line.open() is True
        await line.hear()

    @database_sync_to_async
    def ask():
        rides.relay_all(clock.now())
        operations.ask_if_well(
            order_id=order.pk, kind=SILENT, facts={}, here=None, by=CITY, at=clock.now()
        )
        rides.relay_all(clock.now())

    async def heard(line, check_of):
        while not (check := check_of(await line.hear())):
            pass
        return check["kind"]

    await ask()

    assert await heard(driver, lambda state: state["rides"][0]["check"]) == SILENT
    assert await heard(rider, lambda state: state["check"]) == SILENT
    for line in (driver, rider):
        await line.close()
