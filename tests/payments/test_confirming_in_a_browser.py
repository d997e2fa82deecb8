"""The way to the bank's page and back, as a phone and a desk go it."""

import pytest
from channels.db import database_sync_to_async
from playwright.sync_api import expect

from apps.kernel import clock
from tests.browser import assert_accessible, screenshot, watch
from tests.mobility.test_sockets import Line
from tests.payments.city import relay
from tests.payments.test_confirming import at_the_bank, sweep, town
from tests.payments.test_money_in_a_browser import signed_in

__all__ = ["town"]

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = {
    "en": ("Confirm with your bank", "Looking for a driver", "See prices and choose another card"),
    "es": ("Confirmar en tu banco", "Buscando quien te lleve", "Ver precios y elegir otra tarjeta"),
}


@pytest.mark.parametrize(("width", "theme", "lang"), [(390, "light", "es"), (1280, "dark", "en")])
def test_to_the_bank_and_back(town, new_page, site, settings, width, theme, lang):
    settings.PUBLIC_URL = site
    confirm, searching, again = WORDS[lang]
    first, second = town.place(at=clock.now()), town.place(at=clock.now())
    relay()
    page = new_page(width=width, theme=theme, lang=lang)
    told = watch(page)
    signed_in(page, site, town.rider)

    def show(name):
        page.wait_for_load_state("load")
        assert_accessible(page)
        screenshot(page, f"confirm-{name}-{width}-{theme}")

    page.goto(f"{site}/rides/{first.ref}/")
    show("asked")
    page.get_by_role("link", name=confirm).click()
    page.wait_for_url(f"{town.wallet.bank.url}/approve/**")
    page.locator("[name=answer][value=approve]").click()
    page.wait_for_url(f"{site}/rides/{first.ref}/")
    relay()
    page.reload()
    expect(page.locator("h1")).to_have_text(searching)
    show("went-on")

    page.goto(f"{site}/rides/{second.ref}/")
    page.get_by_role("link", name=confirm).click()
    page.locator("[name=answer][value=refuse]").click()
    page.wait_for_url(f"{site}/rides/{second.ref}/")
    relay()
    page.reload()
    expect(page.get_by_role("button", name=again)).to_be_visible()
    show("refused")
    page.goto(f"{site}/orders/")
    show("orders")
    assert [line for line in told if "/ws/" not in line] == []


def test_the_open_page_goes_on_by_itself_even_under_somebodys_finger(town, new_page, site):
    order = town.place(at=clock.now())
    page = new_page()
    signed_in(page, site, town.rider)
    page.goto(f"{site}/rides/{order.ref}/")
    expect(page.locator("h1")).to_have_text("Asking your bank")
    page.locator("a", has_text="Share this ride").focus()

    relay()
    expect(page.locator("h1")).to_have_text("Your bank wants to hear from you", timeout=30_000)
    page.get_by_role("link", name="Confirm with your bank").focus()

    at_the_bank(town, order, "approve")
    sweep()
    expect(page.locator("h1")).to_have_text("Looking for a driver", timeout=30_000)


async def test_the_page_hears_of_it_on_its_line(town):
    order = await database_sync_to_async(town.place)(at=clock.now())
    line = await database_sync_to_async(Line)(town.rider, f"/ws/order/{order.ref}")
    assert await line.open() is True
    assert (await line.hear())["confirm"] is None

    await database_sync_to_async(relay)()
    heard = await until(line, lambda heard: heard["confirm"])
    assert heard["says"] == "Your bank wants to hear from you"
    assert heard["confirm"]["page"].startswith(town.wallet.bank.url)

    await database_sync_to_async(at_the_bank)(town, order, "approve")
    await database_sync_to_async(sweep)()
    heard = await until(line, lambda heard: heard["stage"] == "searching")
    assert heard["confirm"] is None
    await line.close()


async def until(line, condition):
    while not condition(heard := await line.hear()):
        pass
    return heard
