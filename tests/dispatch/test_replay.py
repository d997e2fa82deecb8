"""A day that was, replayed through the dispatch of today."""

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from apps.dispatch import policy, solver
from apps.mobility import replay

TRIPS = """\
pickup_time,dropoff_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,cab
2008-05-21 08:00:05,2008-05-21 08:10:05,37.77,-122.42,37.78,-122.42,1
2008-05-21 08:01:00,2008-05-21 08:02:00,37.78,-122.42,37.79,-122.42,1
2008-05-21 23:59:00,2008-05-22 00:02:00,37.78,-122.42,37.79,-122.42,1
"""
SHIFTS = """\
cab,online_from,online_until,lat,lon
1,2008-05-20 22:00:00,2008-05-21 08:20:00,37.77,-122.41
"""


@pytest.fixture
def files(tmp_path):
    trips, shifts = tmp_path / "trips.csv", tmp_path / "shifts.csv"
    trips.write_text(TRIPS)
    shifts.write_text(SHIFTS)
    return trips, shifts


def told(files, capsys, *more):
    trips, shifts = files
    call_command("replay_rides", str(trips), "--shifts", str(shifts), "--json", *more)
    return json.loads(capsys.readouterr().out)


def test_a_small_day_by_hand(files, capsys):
    # 879 m east, 1,142.6 m with the detour, 171.4 s at 24 km/h: the first is picked up at
    # 08:02:56.4.  The second waits for the same car, which is free on the spot at 08:12:56.4
    # but later than ten minutes after 08:01:00.  The third finds nobody on the line.
    day = told(files, capsys, "--window", "0")

    assert (day["trips"], day["served"], day["bad_rows"]) == (3, 1, 0)
    assert (day["mean_wait_s"], day["empty_km_per_trip"]) == (171.4, 1.143)
    assert day["served_share"] == 0.3333


def test_waiting_for_the_batch_is_waiting_too(files, capsys):
    assert told(files, capsys, "--window", "10")["mean_wait_s"] == 176.4


def test_more_patience_lets_the_second_be_picked_up_as_well(files, capsys):
    day = told(files, capsys, "--window", "0", "--patience", "900")

    assert day["served"] == 2
    assert day["mean_wait_s"] == pytest.approx((171.4 + 716.4) / 2, abs=0.1)


def test_rows_that_make_no_sense_are_named_and_passed_over(files, capsys):
    trips, shifts = files
    trips.write_text(
        TRIPS
        + "yesterday,2008-05-21 08:10:05,37.77,-122.42,37.78,-122.42,1\n"
        + "2008-05-21 09:00:00,2008-05-21 08:00:00,37.77,-122.42,37.78,-122.42,1\n"
        + "2008-05-21 09:00:00,2008-05-21 09:10:00,137.77,-122.42,37.78,-122.42,1\n"
        + "2008-05-21 09:00:00\n"
    )
    call_command("replay_rides", str(trips), "--shifts", str(shifts), "--json")

    out, err = capsys.readouterr()
    assert json.loads(out)["bad_rows"] == 4
    assert [line.split(":")[0] for line in err.splitlines()] == [
        f"trips.csv, line {number}" for number in (5, 6, 7, 8)
    ]
    assert "latitude 137.77 is not between -90 and 90" in err


def test_packed_files_are_read_as_well(files, tmp_path, capsys):
    packed = tmp_path / "trips.csv.gz"
    packed.write_bytes(gzip.compress(TRIPS.encode()))

    assert told((packed, files[1]), capsys)["trips"] == 3


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("trips.csv", "pickup_time\n", "trips.csv has no column dropoff_time"),
        ("trips.csv", TRIPS.splitlines()[0], "trips.csv holds no trip"),
        ("trips.csv", "", "trips.csv has no column pickup_time"),
        ("shifts.csv", SHIFTS.replace("05-2", "06-2"), "holds no shift on 2008-05-21"),
        ("trips.csv.gz", "not packed", "cannot be read as CSV"),
    ],
)
def test_files_without_a_day_are_refused_in_words(files, tmp_path, name, text, complaint):
    (tmp_path / name).write_text(text)
    trips = tmp_path / name if "trips" in name else files[0]

    with pytest.raises(CommandError, match=complaint):
        call_command("replay_rides", str(trips), "--shifts", str(files[1]))


def test_a_file_that_is_not_there_is_refused_in_words(files):
    with pytest.raises(CommandError, match="No such file"):
        call_command("replay_rides", "/nowhere.csv", "--shifts", str(files[1]))


@pytest.mark.parametrize("wrong", ["--speed=0", "--window=-1", "--patience=nan"])
def test_figures_that_cannot_be_are_refused(files, wrong):
    with pytest.raises(CommandError, match="must be"):
        call_command("replay_rides", str(files[0]), "--shifts", str(files[1]), wrong)


def test_another_policy_gives_other_figures(files, capsys, monkeypatch):
    before = told(files, capsys, "--window", "0")
    monkeypatch.setattr(policy, "DETOUR", 2.6)

    assert told(files, capsys, "--window", "0")["mean_wait_s"] == 2 * before["mean_wait_s"]


@pytest.fixture(scope="module")
def san_francisco(data_dir):
    mobility = data_dir / "mobility"
    return replay.read(mobility / "sf_2008-05-21.csv.gz", mobility / "sf_shifts_2008-05-21.csv.gz")


@pytest.mark.data
class TestADayInSanFrancisco:
    """16,879 trips of 21 May 2008 at 24 km/h, beside the figures of an independent replay."""

    @pytest.mark.parametrize(
        ("window", "served", "wait", "km"), [(0, 0.891, 234.8, 1.303), (10, 0.890, 228.7, 1.238)]
    )
    def test_it_goes_as_well_as_a_two_sided_or_an_optimal_dispatch(
        self, san_francisco, window, served, wait, km
    ):
        figures = replay.replay(san_francisco, kmh=24, window=window, patience=600)

        assert figures.trips == 16_879
        assert figures.served_share >= 0.98 * served
        assert figures.mean_wait_seconds <= 1.02 * wait
        assert figures.empty_km_per_trip <= 1.02 * km
        assert figures.cpu_seconds < 60

    def test_it_is_the_policy_of_today_that_decides(self, san_francisco, monkeypatch):
        morning = replace(san_francisco, trips=san_francisco.trips[:3000])
        ours = replay.replay(morning)

        def one_after_another(near, cost, *, cars, penalty):
            answer = np.full(len(near), -1)
            for i, (names, seconds) in enumerate(zip(near, cost, strict=True)):
                seconds = np.where(np.isin(names, answer), np.inf, seconds)
                if np.isfinite(seconds.min()):
                    answer[i] = names[seconds.argmin()]
            return answer

        monkeypatch.setattr(solver, "assign", one_after_another)

        assert replay.replay(morning).mean_wait_seconds > ours.mean_wait_seconds + 1


@pytest.mark.data
def test_the_command_tells_the_day_in_figures(data_dir):
    mobility = data_dir / "mobility"
    answer = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).parents[2] / "manage.py"),
            "replay_rides",
            str(mobility / "sf_2008-05-21.csv.gz"),
            "--shifts",
            str(mobility / "sf_shifts_2008-05-21.csv.gz"),
            "--json",
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(answer.stdout)["trips"] == 16_879
