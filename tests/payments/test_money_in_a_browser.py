"""The pages of cash and of tips, as a phone and a desk show them."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.kernel import clock
from apps.ledger import operations as ledger
from apps.orders import tips
from apps.parties import operations as parties
from apps.payments.models import Payment
from apps.places import operations as places
from apps.pricing.models import Tariff
from apps.settlement import operations as settlement
from tests import factories, rides
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import CITY, OFFICER

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(page, site, user):
    client = Client()
    client.force_login(user)
    cookie = client.cookies["sessionid"].value
    page.context.clear_cookies()
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])


@pytest.mark.parametrize(("width", "theme", "lang"), [(390, "light", "es"), (1280, "dark", "en")])
def test_cash_and_tips_can_be_used_by_everybody(new_page, site, width, theme, lang):
    town, now = rides.town(), clock.now()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    places.choose_cash(city_id=town.city.pk, takes_cash=True, by=OFFICER, at=now)
    provider = town.worker.provider
    by_card = town.drive(town.confirm(at=now), now)
    quote = town.quote(at=now)
    in_cash = town.place(at=now, in_cash=True)
    rides.relay_all(now)
    town.worker.shifts.update(ended_at=None)
    in_cash = town.accept(town.offer(in_cash, at=now), now)
    town.step(in_cash, "arrive", town.worker.actor, now)
    town.step(in_cash, "board", town.worker.actor, now, code=in_cash.ride.code)
    page = new_page(width=width, theme=theme, lang=lang)
    told = watch(page)

    def show(name, address, full=False):
        page.goto(f"{site}{address}")
        page.wait_for_load_state("load")
        assert_accessible(page)
        screenshot(page, f"money-{name}-{width}-{theme}", full=full)

    signed_in(page, site, town.rider)
    show("choose", reverse("mobility:choose", args=[quote.bundle]))
    show("ride", f"/rides/{in_cash.ref}/")
    show("tip", f"/orders/{by_card.ref}/", full=True)
    page.locator("[name=sum][value=other]").check()
    page.locator("#other").fill("450")
    page.locator("#tip button[type=submit]").click()
    page.wait_for_load_state("load")
    assert tips.of(by_card).amount_minor == 450
    screenshot(page, f"money-tip-asked-{width}-{theme}", full=True)
    Payment.objects.filter(booked_as="tip").update(state="REFUSED", refusal="declined")
    show("tip-refused", f"/orders/{by_card.ref}/", full=True)

    signed_in(page, site, town.worker.user)
    # Not yet their company's: sent on to the shift, with a message that must not be too wide.
    show("sent-on", "/earnings/")
    parties.add_member(
        provider_id=provider.pk, user_id=town.worker.user_id, role="OWNER", by=OFFICER, at=now
    )
    show("collect", "/drive/")
    page.locator("#unpaid summary").click()
    screenshot(page, f"money-unpaid-{width}-{theme}")
    assert_accessible(page)
    page.locator("#unpaid-now").click()
    expect(page.locator("#unpaid-now")).to_have_count(0)
    rides.relay_all(clock.now())
    assert Payment.objects.get(method="CASH").state == "UNPAID"
    show("not-paid", f"/orders/{in_cash.ref}/", full=True)
    for kind, minor in [("capture", 2359), ("cash_kept", -2608)]:
        ledger.post(
            key=f"{kind}:1",
            kind=kind,
            about=by_card.ref,
            lines=[(f"provider:{provider.pk}:payable", -minor), ("clearing:cards", minor)],
            currency="CLP",
            by=CITY,
            at=now,
        )
    show("owing", "/earnings/")
    ledger.post(
        key="tip:1",
        kind="tip",
        about=by_card.ref,
        lines=[(f"provider:{provider.pk}:payable", -500), ("clearing:cards", 500)],
        currency="CLP",
        by=CITY,
        at=now,
    )
    payout = settlement.settle(
        provider_id=provider.pk, currency="CLP", day=now.date(), by=CITY, at=now
    )
    assert payout.amount_minor == 251
    show("statement", reverse("settlement:statement", args=[payout.ref]), full=True)
    assert [line for line in told if "/ws/" not in line] == []
