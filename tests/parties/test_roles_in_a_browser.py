"""Who may do what, as an administrator sees it."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.kernel import clock
from apps.parties import operations as parties
from apps.parties.models import Appointment
from tests import factories
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import CITY
from tests.insight.test_machinery import THE_ADMINS_OWN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("width", "theme", "lang"), [(390, "light", "es"), (1280, "dark", "en")])
def test_an_administrator_gives_a_role_over_a_district(new_page, site, width, theme, lang):
    chief = factories.UserFactory(name="Hernán Silva", email="hernan@example.org")
    ana = factories.UserFactory(name="Ana Reyes", email="ana@example.org")
    zone = factories.ZoneFactory()
    parties.give_role(
        user_id=chief.pk, role="administrator", reason="founding", by=CITY, at=clock.now()
    )
    client = Client()
    client.force_login(chief)
    page = new_page(width=width, theme=theme, lang=lang)
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
    told = watch(page)

    page.goto(f"{site}{reverse('insight:who-may')}")
    page.locator("#id_email").fill("ana@example.org")
    page.locator("#id_role").select_option("inspector")
    page.locator("#id_district").select_option(str(zone.pk))
    page.locator("#id_reason").fill("She knows the centre")
    page.locator("section[aria-labelledby=give] button").click()
    page.get_by_text("Ana Reyes").first.wait_for()
    page.locator(".office__roll summary").first.click()

    assert_accessible(page, but=THE_ADMINS_OWN)
    screenshot(page, f"who-may-{width}-{theme}", full=True)
    held = Appointment.objects.get(user=ana)
    assert (held.role, held.over, held.given_by) == ("inspector", zone.pk, chief)
    assert told == []
