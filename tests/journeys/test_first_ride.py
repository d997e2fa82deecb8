"""The first ride of a city, seen in browsers by everybody who has a part in it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser import assert_accessible, screenshot, watch
from tests.journeys.riding import NEAR_PLAZA, City

pytestmark = pytest.mark.journey

type NewPage = Callable[..., Page]


def sign_in(page: Page, city: City, name: str, path: str) -> None:
    """One tap on a person of the demo, then on to a page."""
    page.goto(f"{city.url}/accounts/login/?next={path}")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"**{path}")


def look(page: Page, name: str) -> None:
    """What stands here can be used by everybody, and is kept as a picture."""
    screenshot(page, f"journey-{name}")
    assert_accessible(page)


def pesos(text: str) -> int:
    """A sum as pages write it, in minor units: `CLP 1,234` is 1234 (pesos have no cents)."""
    return int(re.sub(r"[^0-9-]", "", text.replace("\N{MINUS SIGN}", "-")))


def test_a_ride_from_the_first_tap_to_the_books(city: City, new_page: NewPage):
    rider = new_page(width=390, theme="light")
    where = {"latitude": NEAR_PLAZA["lat"], "longitude": NEAR_PLAZA["lon"]}
    driver = new_page(width=390, theme="dark", geolocation=where, permissions=["geolocation"])
    complaints = watch(rider), watch(driver)

    # The driver goes on line.
    sign_in(driver, city, "Rosa Pizarro", "/drive/")
    look(driver, "driver-1-off-line")
    driver.locator("#on-line").click()
    expect(driver.get_by_role("heading", name="No offers yet")).to_be_visible()
    city.until(
        lambda: city.rows(
            "SELECT 1 FROM dispatch_position p JOIN parties_worker w ON w.id = p.worker_id"
            " JOIN parties_user u ON u.id = w.user_id WHERE u.email LIKE 'rosa@%%'"
            " AND p.seen_at > now() - interval '20 seconds'"
        )
    )
    look(driver, "driver-2-on-line")

    # The rider signs in, asks for prices and takes the car.
    sign_in(rider, city, "Camila Rojas", "/rides/")
    for end, place in (("start", "Plaza de Armas de La Serena"), ("to", "Faro Monumental")):
        rider.fill(f"[name={end}]", place)
        rider.locator(f"#{end}-list").get_by_role("option", name=place).first.click()
    look(rider, "rider-1-plan")
    rider.get_by_role("button", name="See prices").click()
    rider.wait_for_url("**/rides/quotes/**")
    expect(rider.get_by_role("heading", name="Choose a ride")).to_be_visible()
    look(rider, "rider-2-choose")
    rider.locator(".stage__action button[type=submit]").click()
    rider.wait_for_url(re.compile(r"/rides/[0-9a-f-]{36}/$"))
    ref = rider.url.rstrip("/").rpartition("/")[2]

    # The offer comes by itself, and says what it pays.
    expect(driver.locator("#accept")).to_be_visible()
    look(driver, "driver-3-offer")
    stage = rider.locator("#ride-sheet header")
    expect(stage).to_have_attribute("data-stage", "searching")
    look(rider, "rider-3-searching")
    driver.locator("#accept").click()

    expect(stage).to_have_attribute("data-stage", "on_the_way")
    expect(rider.get_by_role("heading", name="Rosa is on the way")).to_be_visible()
    look(rider, "rider-4-on-the-way")
    expect(driver.get_by_role("heading", name="Drive to the pick-up")).to_be_visible()
    look(driver, "driver-4-to-the-pick-up")
    driver.locator("#arrive").click()

    expect(stage).to_have_attribute("data-stage", "at_pickup")
    look(rider, "rider-5-at-the-pick-up")
    # It stands there twice: once to see, once to hear.
    code = re.sub(r"\D", "", rider.locator(".ride__code .code").inner_text())[:4]
    driver.fill("#code", "0000" if code != "0000" else "1111")
    driver.locator("#board").click()
    expect(driver.get_by_text("That is not the code.")).to_be_visible()
    look(driver, "driver-5-wrong-code")
    driver.fill("#code", code)
    driver.locator("#board").click()

    expect(stage).to_have_attribute("data-stage", "on_board")
    look(rider, "rider-6-on-board")
    expect(driver.locator("#drop-off")).to_be_visible()
    look(driver, "driver-6-on-board")
    driver.locator("#drop-off").click()

    # The receipt adds up to what was taken.
    expect(rider.get_by_role("link", name="Receipt and rating")).to_be_visible()
    look(rider, "rider-7-done")
    expect(driver.get_by_role("heading", name="No offers yet")).to_be_visible()
    look(driver, "driver-7-earned")
    city.until(lambda: city.payment(ref)[0] == "CAPTURED")
    rider.get_by_role("link", name="Receipt and rating").click()
    rider.wait_for_url(f"**/orders/{ref}/")
    shown = [
        pesos(one) for one in rider.locator("dl.lines:not(.lines--facts) dd").all_inner_texts()
    ]
    _, total, captured = city.payment(ref)
    assert shown[-1] == sum(shown[:-1]) == total == captured
    look(rider, "rider-8-receipt")

    rider.locator("label:has(input[name=stars][value='5'])").click()
    rider.get_by_role("button", name="Send").click()
    expect(rider.get_by_role("button", name="Change what I said")).to_be_visible()
    assert (
        city.one(
            "SELECT r.stars FROM reviews_review r JOIN orders_order o ON o.id = r.order_id"
            " WHERE o.ref = %s",
            ref,
        )
        == 5
    )

    # The books know where every peso went.
    provider = city.one("SELECT provider_id FROM orders_order WHERE ref = %s", ref)
    booked = city.booked(ref)
    taken = booked.pop("clearing:cards")
    assert taken == captured == -sum(booked.values())
    payable = f"provider:{provider}:payable"
    kinds = {re.sub(r":[a-z-]+:", ":", code) if code != payable else "provider" for code in booked}
    assert kinds == {"provider", "platform:fees", "city:fees", "tax:vat"}
    assert all(minor < 0 for minor in booked.values())
    city.assert_books_balance()
    assert complaints == ([], [])

    # The night comes, and everybody is paid.
    due = city.owed(provider)
    assert due >= -booked[payable] > 0
    city.platform.manage("settle")
    paid = city.until(
        lambda: city.rows(
            "SELECT ref, amount_minor FROM settlement_payout"
            " WHERE provider_id = %s AND state = 'PAID'",
            provider,
        )
    )
    assert [minor for _, minor in paid] == [due]
    assert city.owed(provider) == 0
    the_owner_sees_the_payout(new_page(width=390), city, ref, due, -booked[payable])
    the_officer_sees_it_all(new_page(width=1280), city, ref, due, total)


def the_owner_sees_the_payout(page: Page, city: City, ref: str, due: int, part: int) -> None:
    """When am I paid and why: the sum, and the line of this ride."""
    complaints = watch(page)
    sign_in(page, city, "Pedro Salinas", "/earnings/")
    expect(page.get_by_role("heading", name="When am I paid and why")).to_be_visible()
    payout = page.get_by_role("link", name="Sent to your bank")
    expect(payout.locator(".rows__end")).to_have_text(f"CLP\N{NO-BREAK SPACE}{due:,}")
    look(page, "owner-1-earnings")

    payout.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"CLP\N{NO-BREAK SPACE}{due:,}")
    line = page.locator("tr", has=page.locator(f"a[href='/orders/{ref}/']"))
    expect(line.locator("td").nth(1)).to_have_text(f"{part:,}")
    expect(page.locator("tfoot td")).to_have_text(f"CLP\N{NO-BREAK SPACE}{due:,}")
    look(page, "owner-2-statement")
    assert complaints == []


def the_officer_sees_it_all(page: Page, city: City, ref: str, due: int, total: int) -> None:
    """The order, what was booked for it, and the payout, each found by the order's reference."""
    complaints = watch(page)
    sign_in(page, city, "Valentina Soto", "/admin/")

    page.goto(f"{city.url}/admin/orders/order/?q={ref}")
    page.locator("#result_list tbody th a").click()
    body = page.locator("body")
    expect(body).to_contain_text(f"{total:,} CLP")
    expect(page.get_by_role("cell", name="drop_off", exact=True)).to_be_visible()
    look(page, "officer-1-order")

    page.goto(f"{city.url}/admin/ledger/journal/?q={ref}")
    expect(page.locator("#result_list tbody tr")).to_contain_text(f"{total:,} CLP")
    look(page, "officer-2-journals")

    page.goto(f"{city.url}/admin/settlement/payout/?q=Cooperativa")
    row = page.locator("#result_list tbody tr")
    expect(row).to_contain_text("Cooperativa Elqui")
    expect(row).to_contain_text(f"{due:,} CLP")
    expect(row).to_contain_text("paid")
    look(page, "officer-3-payouts")
    assert complaints == []
