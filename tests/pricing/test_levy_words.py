"""What people and officers read of taxes and fees."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from apps.pricing import levies, words
from apps.pricing.levies import Claim, Exemption, Facts, Frees, Guest, Kind, Per, Point, Rule, Share
from apps.pricing.levy_words import example, explain, tell
from apps.pricing.models import Line, Payee

ZONE = ZoneInfo("Europe/Madrid")
AT = datetime(2027, 5, 1, 12, tzinfo=UTC)
FLAT = Rule(
    number="BCN-1",
    code="tourist_tax",
    name="Tourist tax",
    vertical="lodging",
    category="flat",
    shares=(Share(Payee.TAX, "region", 450), Share(Payee.CITY, weight=400)),
    kind=Kind.AMOUNT,
    rate=850,
    per=Per.PERSON_NIGHT,
    age_from=17,
    most_parts=7,
    begins=datetime(2026, 3, 31, 22, tzinfo=UTC),
    exemptions=(Exemption("ill", "medical stays", "a letter", Frees.COMPANION),),
)
SHARE = replace(
    FLAT,
    kind=Kind.PERCENT,
    rate=1_250,
    base=("night", "cleaning"),
    per=Per.NIGHT,
    age_from=None,
    most_parts=None,
    shares=(Share(Payee.CITY),),
)


def stay(nights: int = 9, *guests: Guest) -> Facts:
    first = date(2027, 5, 1)
    parts = levies.nights(
        first=first,
        leaves=first + timedelta(days=nights),
        zone=ZONE,
        amounts={"night": [10_000] * nights, "cleaning": 0},
    )
    return Facts("lodging", parts, guests or (Guest(40), Guest(38)), category="flat")


def why(rule: Rule, facts: Facts) -> list[str]:
    return [
        explain(line, "EUR").replace("\N{NO-BREAK SPACE}", " ")
        for line in levies.due([rule], facts)
    ]


def test_a_line_says_how_it_came_to_be():
    assert why(FLAT, stay()) == [
        "EUR 8.50 × 2 people × 7 nights of 9; no more than 7 nights count;"
        f" of which {part} of 850 parts"
        for part in (450, 400)
    ]
    assert why(SHARE, stay(3)) == ["12.5 % of EUR 300.00"]


def test_it_says_who_did_not_pay_and_who_showed_nothing():
    alone = replace(FLAT, shares=(Share(Payee.CITY),), most_parts=None)
    ill, not_shown = Guest(40, (Claim("ill", "7"),)), Guest(40, (Claim("ill"),))

    assert why(alone, stay(1, ill, Guest(38), Guest(36))) == [
        "EUR 8.50 × 1 person of 3 × 1 night; exempt: medical stays"
    ]
    assert why(alone, stay(1, not_shown)) == [
        "EUR 8.50 × 1 person × 1 night; not exempt without proof: medical stays"
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"most_unit": 480, "times_bp": 32_500},
            "EUR 8.50 × 2 people × 2 nights × 3.25; at most EUR 4.80 each",
        ),
        ({"most_person": 900}, "EUR 8.50 × 2 people × 2 nights; at most EUR 9.00 a person"),
        ({"most": 900}, "EUR 8.50 × 2 people × 2 nights; at most EUR 9.00 in all"),
        ({"per": Per.NIGHT, "age_from": None}, "EUR 8.50 × 2 nights"),
        ({"per": Per.ORDER, "age_from": None}, "EUR 8.50"),
    ],
)
def test_it_says_what_held_it(changes, said):
    assert why(replace(FLAT, shares=(Share(Payee.CITY),), **changes), stay(2)) == [said]


def test_rides_and_parcels_say_how_far_how_long_and_how_many():
    part = levies.Part(AT, metres=2_600, seconds=720, pieces=3)
    facts = Facts("mobility", (part,))

    def said(per: Per) -> str:
        rule = Rule(
            number="1",
            code="fee",
            name="Fee",
            shares=(Share(Payee.CITY),),
            kind=Kind.AMOUNT,
            rate=100,
            per=per,
        )
        return why(rule, facts)[0]

    assert [said(per) for per in (Per.KM, Per.HOUR, Per.PARCEL)] == [
        "EUR 1.00 × 2.6 km",
        "EUR 1.00 × 12 min",
        "EUR 1.00 × 3 parcels",
    ]


def test_a_line_that_is_no_tax_says_nothing_more():
    (told,) = words.lines_of([Line("start", 600, Payee.PROVIDER)], "EUR")

    assert told == {"label": "Start", "minor": 600, "note": ""}


def test_a_page_shows_the_name_of_a_tax_and_why():
    told = words.lines_of(levies.due([SHARE], stay(1)), "EUR")

    assert [(one["label"], one["minor"]) for one in told] == [("Tourist tax", 1_250)]
    assert told[0]["note"].startswith("12.5 % of")


def plain(rule: Rule) -> list[str]:
    return [one.replace("\N{NO-BREAK SPACE}", " ") for one in tell(rule, "EUR", ZONE)]


def test_a_rule_in_plain_words():
    assert plain(FLAT) == [
        "EUR 8.50 for each person and night.",
        "For the service: lodging.",
        "For the category: flat.",
        "From the age of 17.",
        "Exempt: medical stays, with one who comes along; proof: a letter.",
        "No more than 7 nights count.",
        "Rounded: each line, to the nearest, a half up.",
        "It goes to: region (450/850), the city (400/850).",
        "In force from 2026-04-01.",
    ]


def test_a_share_with_everything_in_plain_words():
    rule = replace(
        SHARE,
        per=Per.PERSON_NIGHT,
        vertical="",
        category="",
        zone="old-town",
        weekdays=(4, 5),
        age_below=80,
        most_unit=480,
        times_bp=32_500,
        most_person=9_000,
        most=20_000,
        rounded=Point.UNIT,
        exemptions=(Exemption("free", "stays offered free", frees=Frees.PARTY),),
        ends=datetime(2028, 1, 1, 5, 30, tzinfo=UTC),
    )

    assert plain(rule) == [
        "12.5 % of night + cleaning, divided by all who come, for each of them who pays.",
        "Each of these is at most EUR 4.80.",
        "That is taken times 3.25.",
        "In the zone: old-town.",
        "On: Friday, Saturday.",
        "Below the age of 80.",
        "Exempt: stays offered free, and everybody with them; no proof is asked.",
        "At most EUR 90.00 for a person.",
        "At most EUR 200.00 in all.",
        "Rounded: each unit, to the nearest, a half up.",
        "It goes to: the city.",
        "In force from 2026-04-01.",
        "Until 2028-01-01 06:30.",
    ]


def test_the_example_is_worked_out_by_the_engine():
    told = example(FLAT, "EUR", ZONE, AT)

    assert told.order.replace("\N{NO-BREAK SPACE}", " ") == (
        "Two grown-ups and a child of 10, 9 nights from 2027-05-01, EUR 100.00 a night"
    )
    assert [(who, sum_.replace("\N{NO-BREAK SPACE}", " ")) for who, sum_, _why in told.lines] == [
        ("region", "EUR 63.00"),
        ("the city", "EUR 56.00"),
    ]
    assert told.total.replace("\N{NO-BREAK SPACE}", " ") == "EUR 119.00"


def test_the_example_of_a_rush_hour_is_in_the_rush_hour():
    rush = replace(
        FLAT,
        vertical="mobility",
        zone="north",
        per=Per.RIDE,
        age_from=None,
        most_parts=None,
        weekdays=(0,),
        hour_from=7,
        hour_until=9,
    )

    told = example(rush, "EUR", ZONE, AT)

    assert "on 2027-05-03 at 07:00" in told.order


def test_a_rule_that_is_over_is_shown_as_it_was():
    over = replace(FLAT, ends=datetime(2027, 1, 1, tzinfo=UTC))

    assert "from 2026-04-01" in example(over, "EUR", ZONE, AT).order


def test_what_only_children_pay_and_nobody_owes_has_no_example():
    assert example(replace(FLAT, age_from=90), "EUR", ZONE, AT) is None


def test_it_is_said_in_spanish_too():
    with translation.override("es"):
        assert why(SHARE, stay(3)) == ["12,5 % de 300,00 €"]
