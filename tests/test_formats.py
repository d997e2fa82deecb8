"""Sums, ways and times as the city writes them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.kernel import formats

SANTIAGO = ZoneInfo("America/Santiago")
SUNDAY = datetime(2026, 11, 22, 17, 35, tzinfo=UTC)  # 14:35 in La Serena


@pytest.mark.parametrize(
    ("minor", "currency", "english", "spanish"),
    [
        (2450, "CLP", "CLP\xa02,450", "$2.450"),
        (0, "CLP", "CLP\xa00", "$0"),
        (-700, "CLP", "−CLP\xa0700", "−$700"),
        (1_250, "EUR", "EUR\xa012.50", "12,50\xa0€"),
        (1_234_567, "BHD", "BHD\xa01,234.567", "BHD\xa01.234,567"),
    ],
)
def test_a_sum_is_written_the_way_people_of_the_language_write_it(
    minor: int, currency: str, english: str, spanish: str
) -> None:
    assert formats.money(minor, currency, language="en") == english
    assert formats.money(minor, currency, language="es-CL") == spanish


def test_a_language_that_is_not_known_is_written_like_english() -> None:
    assert formats.money(2450, "CLP", language="fr") == "CLP\xa02,450"


@pytest.mark.parametrize(
    ("metres", "english", "spanish"),
    [
        (0, "0\xa0m", "0\xa0m"),
        (344, "340\xa0m", "340\xa0m"),
        (494, "490\xa0m", "490\xa0m"),
        (496, "0.5\xa0km", "0,5\xa0km"),
        (910, "0.9\xa0km", "0,9\xa0km"),
        (2_649, "2.6\xa0km", "2,6\xa0km"),
        (9_960, "10\xa0km", "10\xa0km"),
        (14_500, "15\xa0km", "15\xa0km"),
    ],
)
def test_a_way_is_as_exact_as_it_is_of_use(metres: float, english: str, spanish: str) -> None:
    assert formats.distance(metres, language="en") == english
    assert formats.distance(metres, language="es") == spanish


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1\xa0min"),
        (-90, "1\xa0min"),
        (89, "1\xa0min"),
        (90, "2\xa0min"),
        (3_569, "59\xa0min"),
        (3_600, "1\xa0h"),
        (4_320, "1\xa0h\xa012\xa0min"),
    ],
)
def test_nothing_takes_less_than_a_minute(seconds: float, text: str) -> None:
    assert formats.minutes(seconds) == text


@pytest.mark.parametrize(
    ("after", "english", "spanish"),
    [
        (timedelta(hours=2), "16:35", "16:35"),
        (timedelta(days=1), "Mon\xa023\xa0Nov, 14:35", "lun\xa023\xa0nov, 14:35"),
        (timedelta(days=-14), "Sun\xa08\xa0Nov, 14:35", "dom\xa08\xa0nov, 14:35"),
        (timedelta(days=30), "22\xa0Dec, 14:35", "22\xa0dic, 14:35"),
        (timedelta(days=365), "22\xa0Nov\xa02027, 14:35", "22\xa0nov\xa02027, 14:35"),
    ],
)
def test_a_moment_has_its_weekday_when_near_and_its_year_when_far(
    after: timedelta, english: str, spanish: str
) -> None:
    moment = SUNDAY + after
    assert formats.when(moment, SANTIAGO, now=SUNDAY, language="en") == english
    assert formats.when(moment, SANTIAGO, now=SUNDAY, language="es") == spanish


def test_what_is_awaited_is_told_in_minutes_within_the_hour() -> None:
    soon, later = SUNDAY + timedelta(minutes=3), SUNDAY + timedelta(minutes=60)
    assert formats.arrival(soon, SANTIAGO, now=SUNDAY, language="en") == "3\xa0min"
    assert formats.arrival(later, SANTIAGO, now=SUNDAY, language="en") == "15:35"
    late = SUNDAY - timedelta(minutes=5)
    assert formats.arrival(late, SANTIAGO, now=SUNDAY, language="en") == "1\xa0min"
