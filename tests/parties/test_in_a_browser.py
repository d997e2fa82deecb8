import pytest

from tests.browser import assert_accessible, each_look, screenshot
from tests.factories import UserFactory


@each_look
@pytest.mark.django_db(transaction=True)
def test_a_key_is_made_and_revoked(new_page, site, client, width, theme):
    client.force_login(UserFactory(name="Ada Lovelace"))
    page = new_page(width=width, theme=theme)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page.goto(f"{site}/me/tokens/")

    page.get_by_label("What is it for").fill("our planner")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", name="Your new key").wait_for()

    assert page.locator("code").inner_text().startswith("city_")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert_accessible(page)
    screenshot(page, f"keys-{width}-{theme}")
    page.get_by_role("button", name="Revoke the key our planner").click()
    page.get_by_text("The key is worthless now.").wait_for()
    assert page.get_by_text("our planner").count() == 0
