"""What people want is theirs and the seed's; how a car moves is arithmetic."""

from dataclasses import replace
from random import Random

import httpx
import pytest

from cityplatform.simulation import Crowd, Habits, Key, Options, Record, Simulation, TooFew, load
from cityplatform.simulation.drivers import Driver
from cityplatform.simulation.driving import FASTEST, Journey, Spot, heading, metres_between
from cityplatform.simulation.habits import trip
from cityplatform.simulation.records import Tally, summary
from cityplatform.simulation.riders import Rider
from cityplatform.simulation.talking import Api, Refused
from cityplatform.simulation.world import World, closest

PLAZA = Spot(-29.9027, -71.2519)


def trips(name: str, seed: int = 7, many: int = 20):
    chance = Random(f"{seed}/{name}")
    return [trip(chance, Habits(), 12, 9) for _ in range(many)]


def test_the_same_seed_makes_the_same_people_want_the_same_things():
    assert trips("rider-001") == trips("rider-001")
    assert trips("rider-001") != trips("rider-002")
    assert trips("rider-001") != trips("rider-001", seed=8)


def test_how_often_somebody_says_no_does_not_change_where_they_go():
    calm, cross = Random("7/rider"), Random("7/rider")
    for _ in range(20):
        one = trip(calm, Habits(calls_off=0, rates=0), 12, 9)
        other = trip(cross, Habits(calls_off=1, rates=1), 12, 9)
        assert (one.start, one.end, one.blur) == (other.start, other.end, other.blur)
        assert (one.calls_off_after is None, one.stars) == (True, None)
        assert other.calls_off_after is not None
        assert other.stars in {1, 2, 3, 4, 5}


def test_in_the_morning_people_come_from_somewhere_and_in_the_evening_they_go_back():
    morning = trip(Random(1), Habits(), 12, 8).blur
    evening = trip(Random(1), Habits(), 12, 19).blur
    assert abs(morning[0] / evening[0]) == pytest.approx(700 / 120)
    assert abs(evening[2] / morning[2]) == pytest.approx(700 / 120)


def test_a_car_is_halfway_after_half_the_time_and_looks_where_it_goes():
    east = PLAZA.moved(0, 600)
    north = east.moved(600, 0)
    way = Journey([PLAZA, east, north], seconds=120)
    assert way.metres == pytest.approx(1200, rel=0.001)
    assert way.at(0) == (PLAZA, 90)
    spot, looks = way.at(90)
    assert metres_between(spot, east) == pytest.approx(300, rel=0.001)
    assert looks == 0
    assert way.at(500)[0] == north


def test_a_car_moves_evenly_and_no_faster_than_a_car():
    far = PLAZA.moved(9_000, 0)
    way = Journey([PLAZA, far], seconds=10)
    assert way.seconds == pytest.approx(9_000 / FASTEST, rel=0.001)
    steps = [way.at(second)[0] for second in range(0, 60, 4)]
    for a, b in zip(steps, steps[1:], strict=False):
        assert metres_between(a, b) == pytest.approx(4 * FASTEST, rel=0.001)


def test_a_way_of_one_point_is_driven_at_once():
    assert Journey([PLAZA, PLAZA], seconds=0).at(0) == (PLAZA, 0)


@pytest.mark.parametrize(
    ("north", "east", "degrees"), [(9, 0, 0), (0, 9, 90), (-9, 0, 180), (0, -9, 270)]
)
def test_headings_go_clockwise_from_north(north, east, degrees):
    assert heading(PLAZA, PLAZA.moved(north, east)) == pytest.approx(degrees, abs=1)


def test_a_record_keeps_each_stage_once_and_how_long_the_rider_waited():
    record = Record("r", "k", "rider-001", placed_at=100.0, total_minor=2_000)
    for stage, state in [
        ("searching", "AUTHORISED"),
        ("searching", "AUTHORISED"),
        ("at_pickup", "CONFIRMED"),
        ("done", "COMPLETED"),
    ]:
        record.hear({"stage": stage, "state": state, "charged_minor": None})
    assert [stage for stage, _ in record.seen] == ["searching", "at_pickup", "done"]
    assert not record.is_live
    record.seen = [("at_pickup", 160.0)]
    told = summary([record], Tally(), 61.23)
    assert (told.placed, told.ended, told.orders) == (1, 1, {"done": 1})
    assert (told.mean_wait_seconds, told.seconds) == (60.0, 61.2)


def test_nobody_is_played_without_a_key(tmp_path):
    with pytest.raises(TooFew, match="seed_demo"):
        load(tmp_path / "crowd.json")
    few = Crowd("la-serena", [Key("driver-001@demo.invalid", "x")], [], [])
    with pytest.raises(TooFew, match="1 drivers and 0 riders"):
        Simulation("http://nowhere", few, Options(drivers=1))


async def test_what_the_city_cannot_do_now_is_asked_again_with_the_same_key():
    heard = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append(request.headers["Idempotency-Key"])
        match len(heard):
            case 1:
                raise httpx.ConnectError("away")
            case 2:
                return httpx.Response(503, json={"code": "bank_away"})
            case 3:
                return httpx.Response(502, text="<html>")
        return httpx.Response(201, json=[{"ref": "r"}])

    tally = Tally()
    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="http://city/", transport=transport) as http:
        told = await Api(http, "t", Random(1), tally).post("orders", {}, key="k1")
    assert told == [{"ref": "r"}]
    assert heard == ["k1"] * 4
    assert tally.errors == {"ConnectError": 1, "bank_away": 1, "http_502": 1}


async def test_a_plain_no_is_not_asked_again():
    transport = httpx.MockTransport(lambda _: httpx.Response(410, json={"code": "quote_gone"}))
    async with httpx.AsyncClient(base_url="http://city/", transport=transport) as http:
        with pytest.raises(Refused, match="410 quote_gone"):
            await Api(http, "t", Random(1), Tally()).get("orders")


def test_who_keeps_to_few_places_keeps_to_those_that_lie_together():
    near = [PLAZA.moved(metres, 0) for metres in (0, 100, 200)]
    marks = [PLAZA.moved(9_000, 0), *near, PLAZA.moved(0, 7_000)]
    assert sorted(closest(marks, 3), key=str) == sorted(near, key=str)
    assert closest(marks, 2) == near[:2]
    assert closest(marks, None) == closest(marks, 9) == marks


class Phone(Driver):
    """A driver whose words go nowhere, so that they can be looked at."""

    def __init__(self, world: World) -> None:
        super().__init__(world, world.crowd.drivers[0], only_finish=False)
        self.said = []

    async def _say(self, **message):
        self.said.append(message["step"])


@pytest.fixture
async def world():
    crowd = Crowd("la-serena", [Key("driver-001@demo.invalid", "x")], [], [])
    async with httpx.AsyncClient() as http:
        habits = Habits(gives_back=0.5)
        made = World("http://city", http, crowd, seed=7, speed=1, habits=habits)
        made.landmarks = [PLAZA]
        yield made


async def test_a_rider_of_the_play_who_does_not_come_pays_and_no_other_does(world):
    driver = Phone(world)
    driver.state = {"at": "12:05", "rides": []}
    ride = {"ref": "r", "stage": "at_pickup", "may_leave_at": "12:04"}
    await driver._drive(ride)

    async def nobody_comes():
        return None

    world.codes["r"] = nobody_comes
    await driver._drive(ride)
    assert driver.said == ["give_back", "no_show"]


async def test_a_driver_decides_once_whether_to_give_a_ride_back(world):
    driver = Phone(world)
    refs = [str(number) for number in range(40)]
    first = [driver._backs_out(ref) for ref in refs]
    assert [driver._backs_out(ref) for ref in refs] == first
    assert 8 < sum(first) < 32


async def test_nobody_waits_for_ever_for_a_driver(world):
    world.speed = 1e5
    rider = Rider(world, Key("rider-001@demo.invalid", "x"))
    told = {"ref": "r", "state": "AUTHORISED", "stage": "searching", "total_minor": 1}
    record, asked = rider._record(told, key=""), []

    async def post(path, body, key=""):
        asked.append((path, body))
        return {**told, "state": "CANCELLED", "stage": "cancelled"}

    rider.api.post = post
    await rider._call_off(record, replace(trips("rider-001", many=1)[0], calls_off_after=None))
    assert asked == [("orders/r/steps", {"step": "cancel"})]
    assert record.stage == "cancelled"
