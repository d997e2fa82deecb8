"""An inspection as an officer sees it, from its start to its end."""

import pytest
from playwright.sync_api import expect

from apps.inspection.models import Inspection
from tests import factories, rides
from tests.browser import assert_accessible, screenshot, watch
from tests.insight.test_machinery import THE_ADMINS_OWN
from tests.inspection.scenes import desk_of, officer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("width", "theme", "lang"),
    [
        (390, "light", "en"),
        (390, "dark", "es"),
        (1280, "light", "es"),
        (1280, "dark", "en"),
    ],
)
def test_an_officer_inspects_somebody(new_page, site, width, theme, lang):
    hernan = officer()
    town = rides.town()
    factories.ConsumerFactory(user=town.rider)
    order = town.drive(town.confirm())
    page = new_page(width=width, theme=theme, lang=lang)
    told = watch(page)

    def sign_in(user):
        cookie = desk_of(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])

    def see(name):
        assert_accessible(page, but=THE_ADMINS_OWN)
        screenshot(page, f"inspection-{name}-{width}-{theme}-{lang}", full=True)

    sign_in(hernan)
    page.goto(f"{site}/admin/inspect/")
    see("start")
    page.locator("#id_who").fill(town.rider.email)
    page.locator("#id_words").fill("Lost bag on Monday")
    page.locator("#id_minutes").select_option("30")
    page.locator("section[aria-labelledby=start] button").click()

    expect(page.locator("#inspecting")).to_contain_text("Camila Rojas")
    expect(page.locator(".inspecting__left")).not_to_be_empty()
    assert page.locator(".inspecting__left").inner_text()[:3] in ("29:", "30:")
    see("person")
    page.locator(".inspecting__ways a").nth(1).click()
    expect(page.locator("tbody th a")).to_have_text(order.code)
    see("orders")
    page.locator("tbody th a").click()
    expect(page.locator("dl")).to_contain_text("M. T.")
    see("order")
    page.goto(f"{site}/admin/who-may-do-what/")
    expect(page.locator("#inspecting")).to_contain_text("Camila Rojas")

    page.locator(".inspecting button").click()
    expect(page.locator("#inspecting")).to_have_count(0)
    page.goto(f"{site}/admin/inspect/now/")
    see("over")

    sign_in(town.rider)
    page.goto(f"{site}/me/looks/")
    assert_accessible(page)
    screenshot(page, f"inspection-looks-{width}-{theme}-{lang}", full=True)
    assert page.locator("li.card").count() == 3
    assert Inspection.objects.get().ending == "BY_HAND"
    # The test server has no sockets, and the page that says that it is over answers 403.
    assert [one for one in told if "/ws/" not in one and "403" not in one] == []
