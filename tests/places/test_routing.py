import itertools
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

from apps.places import engines, loading, routing
from apps.places.geometry import Point, metres_between
from tests.engines import free_ports
from tests.places import extracts

CITY = "la-serena"
PLAZA = Point(lat=-29.9027, lon=-71.2513)
FARO = Point(lat=-29.9056, lon=-71.2738)
COQUIMBO = Point(lat=-29.9535, lon=-71.3378)
SANTIAGO = Point(lat=-33.45, lon=-70.66)
AT_SEA = Point(lat=-29.93, lon=-71.31)


def test_a_ride_from_the_plaza_to_the_lighthouse(la_serena_streets):
    way = routing.route(CITY, [PLAZA, FARO])
    assert (way.seconds, way.metres) == (225.3, 2485.9)
    assert not way.is_estimate
    assert way.line[0] == pytest.approx(PLAZA.lon_lat, abs=1e-4)
    assert way.line[-1] == pytest.approx(FARO.lon_lat, abs=1e-4)
    drawn = sum(
        metres_between(Point(a[1], a[0]), Point(b[1], b[0]))
        for a, b in itertools.pairwise(way.line)
    )
    assert drawn == pytest.approx(way.metres, rel=0.005)


def test_a_way_through_three_points_is_its_two_parts(la_serena_streets):
    whole = routing.route(CITY, [PLAZA, FARO, COQUIMBO])
    first = routing.route(CITY, [PLAZA, FARO])
    second = routing.route(CITY, [FARO, COQUIMBO])
    assert whole.metres == pytest.approx(first.metres + second.metres, abs=0.2)


def test_tables_and_routes_tell_the_same_times(la_serena_streets):
    points = [PLAZA, FARO, COQUIMBO]
    table = routing.table(CITY, points, points)
    for (i, a), (j, b) in itertools.permutations(enumerate(points), 2):
        way = routing.route(CITY, [a, b])
        assert table.seconds[i, j] == pytest.approx(way.seconds, abs=0.11)
        assert table.metres[i, j] == pytest.approx(way.metres, abs=0.11)
    assert table.seconds.diagonal().tolist() == [0, 0, 0]


def test_the_same_point_twice_is_no_way_at_all(la_serena_streets):
    way = routing.route(CITY, [PLAZA, PLAZA])
    assert (way.seconds, way.metres, way.is_estimate) == (0, 0, False)


@pytest.mark.parametrize("lost", [SANTIAGO, AT_SEA])
def test_a_point_far_from_every_street_is_unreachable(la_serena_streets, lost):
    with pytest.raises(routing.Unreachable):
        routing.route(CITY, [PLAZA, lost])
    with pytest.raises(routing.Unreachable):
        routing.snap(CITY, lost)


def test_one_lost_position_does_not_spoil_the_table(la_serena_streets):
    table = routing.table(CITY, [PLAZA, SANTIAGO], [FARO, AT_SEA])
    assert table.seconds[0, 0] == 225.3
    assert np.isinf(table.seconds[[0, 1, 1], [1, 0, 1]]).all()
    assert np.isinf(table.metres[[0, 1, 1], [1, 0, 1]]).all()


def test_a_table_of_nobody_has_no_rows(la_serena_streets):
    assert routing.table(CITY, [], [PLAZA, FARO]).seconds.shape == (0, 2)
    assert routing.table(CITY, [PLAZA], []).seconds.shape == (1, 0)


def test_a_point_snaps_to_the_street_beside_it(la_serena_streets):
    snapped = routing.snap(CITY, FARO)
    assert snapped.street == "Avenida Francisco de Aguirre"
    assert snapped.metres_away == pytest.approx(metres_between(FARO, snapped.point), abs=0.2)
    assert snapped.metres_away < 5


def test_a_route_needs_two_points(la_serena_streets):
    with pytest.raises(ValueError, match="at least two points"):
        routing.route(CITY, [PLAZA])


def test_a_slug_cannot_climb_out_of_the_folder():
    with pytest.raises(ValueError, match="is not the slug of a city"):
        routing.route("../la-serena", [PLAZA, FARO])


def test_without_streets_the_answer_is_a_straight_line_and_says_so(own_data):
    straight = metres_between(PLAZA, FARO)
    way = routing.route("nowhere", [PLAZA, FARO])
    assert way.is_estimate
    assert way.metres == pytest.approx(1.3 * straight)
    assert way.seconds == pytest.approx(1.3 * straight / (24 / 3.6))
    assert way.line == [PLAZA.lon_lat, FARO.lon_lat]
    table = routing.table("nowhere", [PLAZA], [FARO, PLAZA])
    assert table.is_estimate
    assert table.metres.tolist() == [[way.metres, 0.0]]
    assert routing.snap("nowhere", PLAZA) == routing.Snapped(PLAZA, 0.0, "", is_estimate=True)


def test_streets_that_cannot_be_read_give_estimates_not_errors(own_data, caplog):
    broken = routing.folder("broken") / "v1"
    broken.mkdir(parents=True)
    (broken / "streets.osrm.properties").write_bytes(b"rubbish")
    loading.replace(routing.folder("broken") / routing.CURRENT, b"v1\n")
    for _ in range(3):
        assert routing.route("broken", [PLAZA, FARO]).is_estimate
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_an_island_without_a_bridge_is_unreachable(own_data, tmp_path):
    pbf = extracts.write(tmp_path / "town.osm.pbf")
    loading.activate("town", loading.build(pbf, "town"))
    with pytest.raises(routing.Unreachable):
        routing.route("town", [Point(0, 0), Point(0.05, 0.005)])
    table = routing.table("town", [Point(0, 0)], [Point(0, 0.02), Point(0.05, 0.005)])
    assert table.metres[0, 0] == pytest.approx(2223.9, abs=5)
    assert np.isinf(table.seconds[0, 1])


def test_four_threads_share_one_engine(la_serena_streets):
    pairs = [(PLAZA, FARO), (FARO, COQUIMBO), (COQUIMBO, PLAZA), (FARO, PLAZA)]
    alone = [routing.route(CITY, pair) for pair in pairs]
    barrier = threading.Barrier(4)
    wrong: list[object] = []

    def drive(first: int) -> None:
        barrier.wait()
        for number in range(first, first + 100):
            try:
                if routing.route(CITY, pairs[number % 4]) != alone[number % 4]:
                    wrong.append(number)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=drive, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_streets_change_over_under_way_without_losing_an_answer(own_data, tmp_path):
    slow = loading.build(extracts.write(tmp_path / "slow.osm.pbf", speed=20), "town")
    fast = loading.build(extracts.write(tmp_path / "fast.osm.pbf", speed=80), "town")
    trip = [Point(0, 0), Point(0.01, 0.02)]
    expected = {}
    for version in (slow, fast):
        loading.activate("town", version)
        expected[version] = routing.route("town", trip)
    assert expected[slow].seconds > 2 * expected[fast].seconds
    loading.activate("town", slow)
    barrier, enough = threading.Barrier(5), threading.Event()
    seen: list[list[routing.Route]] = [[] for _ in range(4)]
    errors: list[Exception] = []

    def drive(mine: list[routing.Route]) -> None:
        barrier.wait()
        try:
            while not enough.is_set():
                mine.append(routing.route("town", trip))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=drive, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    barrier.wait()
    for version in [fast, slow] * 10 + [fast]:
        loading.activate("town", version)
        assert routing.route("town", trip) in expected.values()
    enough.set()
    for thread in threads:
        thread.join()
    assert errors == []
    answers = [way for mine in seen for way in mine]
    assert all(way in (expected[slow], expected[fast]) for way in answers)
    assert routing.route("town", trip) == expected[fast]


@pytest.fixture
def routed(la_serena_streets):
    """An osrm-routed of its own, as one would run it on another machine."""
    program = Path(engines.osrm.__file__).parent / "bin" / "osrm-routed"
    streets = routing.folder(CITY) / routing.version(CITY) / engines.STREETS
    port = free_ports()["web"]
    # By name from its own folder: the program reads a path only up to its first space.
    command = [str(program), "--ip", "127.0.0.1", "--port", str(port), streets.name]
    where = streets.parent
    with subprocess.Popen(command, cwd=where, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if "waiting for requests" in line:
                break
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def test_an_engine_elsewhere_gives_the_same_answers(routed, settings):
    here = routing.route(CITY, [PLAZA, FARO])
    table = routing.table(CITY, [PLAZA, SANTIAGO], [FARO, COQUIMBO])
    snapped = routing.snap(CITY, FARO)
    settings.OSRM_URL = routed
    assert routing.route(CITY, [PLAZA, FARO]) == here
    assert routing.table(CITY, [PLAZA, SANTIAGO], [FARO, COQUIMBO]).seconds.tolist() == (
        table.seconds.tolist()
    )
    assert routing.snap(CITY, FARO).street == snapped.street
    with pytest.raises(routing.Unreachable):
        routing.route(CITY, [PLAZA, SANTIAGO])


def test_an_engine_elsewhere_that_is_down_gives_estimates_at_once(settings, caplog):
    settings.OSRM_URL = f"http://127.0.0.1:{free_ports()['web']}"
    assert routing.route(CITY, [PLAZA, FARO]).is_estimate
    assert routing.table(CITY, [PLAZA], [FARO]).is_estimate
    assert routing.snap(CITY, FARO).is_estimate
    assert "did not answer a moment ago" in caplog.text


def test_old_versions_go_but_for_the_last(own_data, tmp_path):
    versions = [
        loading.build(extracts.write(tmp_path / "a.osm.pbf", speed=speed), "town")
        for speed in (20, 30, 40)
    ]
    assert len(set(versions)) == 3
    loading.activate("town", versions[2])
    kept = {path.name for path in routing.folder("town").iterdir() if path.is_dir()}
    assert kept == {versions[1], versions[2]}
    shutil.rmtree(routing.folder("town"))
    assert routing.version("town") == ""
