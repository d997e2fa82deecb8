"""Taxes and fees as people and officers see them."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from apps.kernel import clock
from apps.pricing.levies import Exemption
from apps.pricing.models import Levy, Tariff
from tests import factories, rides
from tests import levies as levies_in_force
from tests.browser import assert_accessible, screenshot
from tests.pricing.test_levies_on_rides import KERB

pytestmark = pytest.mark.django_db(transaction=True)

LANGUAGES = [(390, "light", "es"), (1280, "dark", "en")]


def signed_in(page, site, user) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])


@pytest.mark.parametrize(("width", "theme", "lang"), LANGUAGES)
def test_a_rider_reads_why(new_page, site, width, theme, lang):
    town, now = rides.town(), clock.now()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    rule = replace(KERB, zone="", begins=now, name="Aeropuerto")
    levies_in_force.put(town.city, rule)
    quote = town.quote(now)
    page = new_page(width=width, theme=theme, lang=lang)
    signed_in(page, site, town.rider)

    page.goto(f"{site}{reverse('mobility:choose', args=[quote.bundle])}")
    page.locator("details.more[data-price]:visible summary").first.click()

    assert_accessible(page)
    note = page.locator(".lines__note:visible").first
    note.scroll_into_view_if_needed()
    screenshot(page, f"levy-ride-{width}-{theme}", full=True)
    assert ("2 de 3 partes" if lang == "es" else "2 of 3 parts") in note.inner_text()


@pytest.mark.parametrize(("width", "theme", "lang"), LANGUAGES)
def test_an_officer_sets_the_next_version(new_page, site, width, theme, lang):
    now = clock.now()
    city = factories.CityFactory()
    ill = Exemption("ill", "Medical stays", "a letter of the hospital", "COMPANION")
    rule = replace(
        KERB,
        vertical="lodging",
        zone="",
        per="PERSON_NIGHT",
        rate=2_500,
        age_from=13,
        most_parts=7,
        begins=now,
        exemptions=(ill,),
    )
    levy = levies_in_force.put(city, rule)
    page = new_page(width=width, theme=theme, lang=lang)
    signed_in(page, site, factories.UserFactory(is_staff=True, is_superuser=True))

    page.goto(f"{site}{reverse('admin:pricing_levy_changelist')}")
    screenshot(page, f"levy-list-{width}-{theme}")
    page.goto(f"{site}{reverse('admin:pricing_levy_change', args=[levy.pk])}")
    screenshot(page, f"levy-page-{width}-{theme}", full=True)
    page.locator(f'a[href$="?before={levy.pk}"]').click()
    page.wait_for_load_state("load")
    page.locator("#id_number").fill("K-2")
    page.locator("#id_rate").fill("3000")
    page.locator("#id_valid_from_0").fill(f"{now.year + 1}-01-01")
    page.locator("#id_valid_from_1").fill("00:00:00")
    page.locator("[name=_preview]").click()
    page.wait_for_load_state("load")

    screenshot(page, f"levy-preview-{width}-{theme}", full=True)
    says = page.locator("section[aria-labelledby=says]").inner_text()
    # 3,000 pesos, two grown-ups, seven nights of nine, two thirds of it.
    assert "28.000" in says if lang == "es" else "28,000" in says
    page.locator("[name=_save]").click()
    page.wait_for_url(f"**{reverse('admin:pricing_levy_changelist')}")

    after = Levy.objects.get(number="K-2")
    assert (after.rate, after.state) == (3_000, "PROPOSED")
    page.goto(f"{site}{reverse('admin:pricing_levy_change', args=[after.pk])}")
    screenshot(page, f"levy-proposed-{width}-{theme}", full=True)
    signed_in(page, site, factories.UserFactory(is_staff=True, is_superuser=True))
    page.goto(f"{site}{reverse('admin:pricing_levy_changelist')}?standing=proposed")
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("approve")
    screenshot(page, f"levy-approving-{width}-{theme}", full=True)
    page.locator("form#changelist-form [name=index]").click()
    page.wait_for_load_state("load")
    after.refresh_from_db()
    assert (after.state, after.follows) == ("APPROVED", levy)
    assert [one.name for one in after.exemptions.all()] == ["Medical stays"]
    assert after.shares.count() == 2
