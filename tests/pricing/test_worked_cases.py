"""The tourist taxes of five cities as data, and what a published case of each comes to."""

import json
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.pricing import levies
from apps.pricing.levies import Direction, Facts, Guest, Kind, Per, Point, Rule, Share
from apps.pricing.models import Payee

ZONE = ZoneInfo("Europe/Paris")


def cents(euros) -> int:
    return round(euros * 100)


def moment(day: str | None, days: int = 0) -> datetime | None:
    return day and datetime.fromisoformat(day).replace(tzinfo=ZONE) + timedelta(days=days)


def versions(told: dict) -> list[dict]:
    """A rule and those before it, each with what it does not say itself from the one after."""
    before = told.get("history", [])
    plain = {key: value for key, value in told.items() if key != "history"}
    now = plain | {"from": told.get("valid_from", told.get("from"))}
    return [now, *(plain | {"from": None} | one for one in before)]


def rules_of(told: dict, number: int) -> list[Rule]:
    """A rule of the file, in the words of the engine."""
    made = []
    for place, one in enumerate(versions(told)):
        also = {
            "number": f"{told['city']}-{number}-{place}",
            "code": "tourist_tax",
            "name": "Tourist tax",
            "shares": (Share(Payee.CITY, "tourist-tax"),),
            "begins": moment(one["from"]),
            "ends": moment(one.get("to"), days=1),
            "most_parts": one.get("cap_nights"),
            "age_from": one.get("age_from") or (one["age_over"] + 1 if "age_over" in one else None),
        }
        if one["kind"] == "percent":
            rate = round(one["rate"] * 10_000)
            made.append(Rule(**also, kind=Kind.PERCENT, rate=rate, per=Per.NIGHT, base=("night",)))
        elif one["kind"] == "per_guest_night_by_category":
            made += _by_category(one, also)
        else:
            parts = one.get("parts", {"city": one.get("amount_eur")})
            also["shares"] = tuple(
                Share(Payee.TAX, name.replace("_", "-"), cents(part))
                for name, part in parts.items()
            )
            also["category"] = _slug(one.get("category", ""))
            rate = sum(map(cents, parts.values()))
            made.append(Rule(**also, kind=Kind.AMOUNT, rate=rate, per=Per.PERSON_NIGHT))
    return made


def _by_category(one: dict, also: dict) -> list[Rule]:
    also |= {
        "times_bp": round(one["multiplier"] * 10_000),
        "per": Per.PERSON_NIGHT,
        "rounded": Point.UNIT,
        "direction": Direction.HALF_UP,
        "shares": tuple(
            Share(Payee.TAX, _slug(name), round(part * 100))
            for name, part in one["multiplier_parts"].items()
        ),
    }
    number, base, free = also.pop("number"), one["base_eur"], one["unclassified"]
    return [
        *(
            Rule(
                **also, number=f"{number}-{stars}", category=stars, kind=Kind.AMOUNT, rate=cents(x)
            )
            for stars, x in base.items()
        ),
        Rule(
            **also,
            number=f"{number}-unclassified",
            category="unclassified",
            kind=Kind.PERCENT,
            rate=round(free["percent_of_cost_per_person_night"] * 10_000),
            base=("night",),
            most_unit=cents(base[free["capped_at_base_of"]]),
        ),
    ]


def _slug(words: str) -> str:
    return words.lower().replace("_", "-").replace(" ", "-").replace("(", "").replace(")", "")


def facts_of(case: dict) -> Facts:
    month = case.get("month", f"{case.get('stay_year', 2026)}-05")
    first = date.fromisoformat(f"{month}-01")
    price = next((case[key] for key in case if "price" in key), 0)
    ages = case.get("ages", [40] * case.get("guests", 1))
    nights = levies.nights(
        first=first,
        leaves=first + timedelta(days=case["nights"]),
        zone=ZONE,
        amounts={"night": [cents(price)] * case["nights"]},
    )
    guests = tuple(Guest(age) for age in ages)
    return Facts("lodging", nights, guests, category=_slug(case.get("category", "")))


@pytest.mark.data
def test_the_nine_worked_cases_come_out_to_the_cent(data_dir):
    told = json.loads((data_dir / "lodging" / "tourist_tax_rules.json").read_text())
    got, wanted = [], []

    for case in told["cases"]:
        rules = [
            rule
            for number, one in enumerate(told["rules"])
            if one["city"] == case["city"]
            for rule in rules_of(one, number)
        ]
        lines = levies.due(rules, facts_of(case))
        got.append((case["city"], sum(line.amount for line in lines)))
        wanted.append((case["city"], cents(case["expect_eur"])))

    assert len(wanted) == 9
    assert got == wanted


@pytest.mark.data
def test_every_authority_of_barcelona_and_paris_gets_its_part(data_dir):
    told = json.loads((data_dir / "lodging" / "tourist_tax_rules.json").read_text())
    rules = {
        city: [
            rule
            for number, one in enumerate(told["rules"])
            if one["city"] == city
            for rule in rules_of(one, number)
        ]
        for city in ("Barcelona", "Paris")
    }
    cases = {(case["city"], case["expect_eur"]): facts_of(case) for case in told["cases"]}

    flat = levies.due(rules["Barcelona"], cases["Barcelona", 119.0])
    hotel = levies.due(rules["Paris"], cases["Paris", 50.7])

    assert {line.beneficiary: line.amount for line in flat} == {
        "region": 6_300,
        "city-surcharge": 5_600,
    }
    # 15.60, a tenth of it, fifteen hundredths of it, and twice it.
    assert {line.beneficiary: line.amount for line in hotel} == {
        "own": 1_560,
        "department": 156,
        "grand-paris": 234,
        "ile-de-france-mobilites": 3_120,
    }
