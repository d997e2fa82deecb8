"""Statements of a busy provider, and how they look."""

import pytest
from django.urls import reverse

from apps.kernel import clock
from apps.parties import operations as parties
from apps.settlement.models import Payout
from tests.browser import assert_accessible, screenshot
from tests.factories import CITY, CityFactory, UserFactory
from tests.settlement.test_nights import book, settle


@pytest.fixture
def rosa(transactional_db):
    CityFactory()
    return UserFactory(name="Rosa Vega")


@pytest.fixture
def casa(rosa):
    return parties.found_provider(name="Casa Elqui", owner_id=rosa.pk, by=CITY, at=clock.now())


def page_of(payout):
    return reverse("settlement:statement", args=[payout.ref])


def test_a_long_statement_goes_on_with_its_sum_on_the_next_page(client, rosa, casa):
    for n in range(101):
        book(casa, 1, f"capture:{n}")
    payout = settle(casa)
    client.force_login(rosa)

    first, second = (client.get(page_of(payout), {"page": page}) for page in (1, 2))

    assert len(first.context["lines"]) == 100
    assert [row["line"].running.minor for row in second.context["lines"]] == [101]
    assert len(client.get(reverse("settlement:csv", args=[payout.ref])).content.splitlines()) == 102


@pytest.mark.parametrize(
    ("width", "theme", "lang"), [(390, "light", "es"), (390, "dark", "en"), (1280, "light", "en")]
)
def test_in_a_browser(client, new_page, site, rosa, casa, width, theme, lang):
    for n in range(1, 9):
        book(casa, 1700 + 131 * n, f"capture:{n}")
    book(casa, -1200, "refund:1", "refund")
    payout = settle(casa)
    Payout.objects.update(state=Payout.State.PAID)
    book(casa, 2208, "capture:10")
    client.force_login(rosa)
    page = new_page(width=width, theme=theme, lang=lang)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    page.context.add_cookies([cookie])

    page.goto(f"{site}{reverse('settlement:earnings')}")
    assert_accessible(page)
    screenshot(page, f"earnings-{width}-{theme}-{lang}")
    page.goto(f"{site}{page_of(payout)}")
    assert_accessible(page)
    screenshot(page, f"statement-{width}-{theme}-{lang}")
