"""What the city's rules do to a fare: exact lines, each naming its rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.pricing.models import Payee, Tariff
from apps.pricing.operations import bounded, metered
from apps.regulation.rules import UNBOUND, WHOLE, Bounds, Fee, Pay, Subsidy
from tests.factories import FOR_GOOD

# 400 + 2,600 m at 700 a km + 6 min at 100 = 2,820; platform 282, VAT 54, city 100: 3,256.
TARIFF = Tariff(
    start_minor=400,
    per_km_minor=700,
    per_minute_minor=100,
    minimum_minor=1_500,
    platform_bp=1_000,
    city_fee_minor=100,
    vat_bp=1_900,
    surge_most_bp=20_000,
    valid=FOR_GOOD,
)


def fare(bounds=UNBOUND, demand_bp=WHOLE, tariff=TARIFF):
    lines = metered(tariff, metres=2_600, seconds=360, demand_bp=demand_bp, bounds=bounds)
    return bounded(lines, bounds, metres=2_600, seconds=360)


def line(lines, code):
    return next(((one.amount, one.to, one.rule) for one in lines if one.code == code), None)


def total(lines):
    return sum(one.amount for one in lines)


@pytest.mark.parametrize(
    ("demand_bp", "bounds", "amount", "rule"),
    [
        (WHOLE, UNBOUND, None, None),
        (15_000, UNBOUND, 1_410, ""),
        (30_000, UNBOUND, 2_820, ""),  # the tariff allows twice the fare
        (15_000, Bounds(surge=(12_000, "P-1/2")), 564, "P-1/2"),
        (11_000, Bounds(surge=(12_000, "P-1/2")), 282, ""),
        (15_000, Bounds(surge=(WHOLE, "P-1/2")), None, None),
    ],
)
def test_demand_lifts_the_fare_as_far_as_tariff_and_city_allow(demand_bp, bounds, amount, rule):
    surge = line(fare(bounds, demand_bp), "surge")

    assert surge == (None if amount is None else (amount, Payee.PROVIDER, rule))


def test_without_surge_in_the_tariff_demand_lifts_nothing():
    quiet = Tariff(start_minor=400, per_km_minor=700, per_minute_minor=100, valid=FOR_GOOD)

    assert line(fare(demand_bp=30_000, tariff=quiet), "surge") is None


def test_the_least_pay_is_made_up_for_the_driver():
    lines = fare(Bounds(pays=((Pay(per_km_minor=900, per_minute_minor=150), "P-4/1"),)))

    # 2,340 for the way and 900 for the time.
    assert line(lines, "least_pay") == (420, Payee.PROVIDER, "P-4/1")
    assert sum(one.amount for one in lines if one.to == Payee.PROVIDER) == 3_240


def test_the_commission_is_capped():
    lines = fare(Bounds(commission=(500, "P-5/1")))

    assert line(lines, "platform") == (141, Payee.PLATFORM, "P-5/1")


@pytest.mark.parametrize(
    ("bounds", "code", "expected", "whole"),
    [
        (Bounds(floor=(4_000, "P-1/1")), "floor", (744, Payee.PROVIDER, "P-1/1"), 4_000),
        (Bounds(floor=(3_000, "P-1/1")), "floor", None, 3_256),
        (Bounds(ceiling=(3_000, "P-1/1")), "ceiling", (-256, Payee.PROVIDER, "P-1/1"), 3_000),
        (Bounds(ceiling=(4_000, "P-1/1")), "ceiling", None, 3_256),
        (
            Bounds(ceiling=(1_000, "P-1/1"), pays=((Pay(per_order_minor=2_500), "P-2/1"),)),
            "ceiling",
            (-320, Payee.PROVIDER, "P-1/1"),
            2_936,
        ),
        (
            Bounds(fees=((Fee(flat_minor=50, share_bp=100), "P-3/1"),)),
            "fee",
            (78, Payee.CITY, "P-3/1"),
            3_334,
        ),
        (
            Bounds(subsidies=((Subsidy(share_bp=5_000, most_minor=1_000), "P-6/1"),)),
            "subsidy",
            (-1_000, Payee.CITY, "P-6/1"),
            2_256,
        ),
        (
            Bounds(subsidies=((Subsidy(share_bp=WHOLE), "P-6/1"),)),
            "subsidy",
            (-3_256, Payee.CITY, "P-6/1"),
            0,
        ),
    ],
)
def test_each_rule_is_a_line_of_its_own(bounds, code, expected, whole):
    lines = fare(bounds)

    assert (line(lines, code), total(lines)) == (expected, whole)


def test_subsidies_together_pay_no_more_than_the_price():
    twice = ((Subsidy(flat_minor=3_000), "P-1/1"), (Subsidy(share_bp=WHOLE), "P-2/1"))

    lines = fare(Bounds(subsidies=twice))

    assert [one.amount for one in lines if one.code == "subsidy"] == [-3_000, -256]


minor = st.integers(0, 20_000)


@given(
    demand_bp=st.integers(0, 40_000),
    floor=minor,
    ceiling=minor,
    surge=st.integers(WHOLE, 30_000),
    commission=st.integers(0, WHOLE),
    pay=st.integers(1, 20_000),
    share=st.integers(1, WHOLE),
)
def test_whatever_the_rules_say_the_price_keeps_them(
    demand_bp, floor, ceiling, surge, commission, pay, share
):
    floor, ceiling = sorted((floor, ceiling))
    lines = fare(
        Bounds(
            floor=(floor, "P-1/1"),
            ceiling=(ceiling, "P-1/1"),
            surge=(surge, "P-2/1"),
            commission=(commission, "P-3/1"),
            pays=((Pay(per_order_minor=pay), "P-4/1"),),
            subsidies=((Subsidy(share_bp=share), "P-5/1"),),
        ),
        demand_bp,
    )

    driver = sum(one.amount for one in lines if one.to == Payee.PROVIDER)
    subsidy = sum(one.amount for one in lines if one.code == "subsidy")
    before = total(lines) - subsidy
    assert driver >= pay
    assert 0 <= -subsidy <= before
    assert before >= floor
    # Above the ceiling only as far as the least pay has to go with it.
    assert before <= ceiling or driver == pay
