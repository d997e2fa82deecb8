"""The officer's first page rings while a call for help is unread."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from playwright.sync_api import WebSocketRoute, expect

from apps.kernel import clock
from apps.notifications import operations
from tests import factories
from tests.browser import assert_accessible, screenshot
from tests.factories import CITY
from tests.mobility.test_sockets import Line

RINGS = {
    "ref": "6b1f3c52-8f7e-4d0a-9b0c-2f6f6a0c9d11",
    "title": "Call for help: ride 0AB-1CDE",
    "text": "Take it up at once.",
    "link": "/admin/",
}


def call_for_help(user):
    return operations.notify(
        to=user.pk,
        kind="alert_raised",
        about="alert:1",
        link="/admin/",
        context={"ride": "0AB-1CDE"},
        by=CITY,
        at=clock.now(),
    )


@pytest.mark.django_db(transaction=True)
async def test_the_line_says_what_is_unread_and_what_rings_and_again_when_it_changes():
    officer = await sync_to_async(factories.UserFactory)(is_staff=True)
    line = await sync_to_async(Line)(officer, "/ws/news")
    assert await line.open() is True
    assert await line.hear() == {"type": "news", "unread": 0, "ringing": []}

    notice = await sync_to_async(call_for_help)(officer)

    told = await line.hear()
    assert (told["unread"], [one["ref"] for one in told["ringing"]]) == (1, [str(notice.ref)])
    assert told["ringing"][0]["title"] == "Call for help: ride 0AB-1CDE"
    await sync_to_async(operations.read)(user_id=officer.pk, by=CITY, at=clock.now())
    assert (await line.hear())["ringing"] == []
    assert await line.ask({"type": "sing"}) == "unknown_message"
    await line.close()


@pytest.mark.django_db(transaction=True)
async def test_nobody_listens_without_signing_in():
    line = await sync_to_async(Line)(path="/ws/news")

    assert await line.open() == 4401


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_rings_until_it_is_read(new_page, site, transactional_db, width):
    officer = factories.UserFactory(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(officer)
    page = new_page(width=width)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    page.context.add_cookies([cookie])
    lines: list[WebSocketRoute] = []
    page.route_web_socket("**/ws/news", lambda line: lines.append(line))
    page.goto(f"{site}/admin/")
    banner = page.locator("#ringing")
    expect(banner).to_be_hidden()
    title = page.title()

    lines[0].send(json.dumps({"type": "news", "unread": 1, "ringing": [RINGS]}))

    expect(banner).to_contain_text("Call for help: ride 0AB-1CDE")
    expect(banner.get_by_role("link")).to_have_attribute("href", f"/notices/{RINGS['ref']}/")
    expect(page).to_have_title("(1) Call for help")
    assert_accessible(page)
    screenshot(page, f"desk-rings-{width}")
    lines[0].send(json.dumps({"type": "news", "unread": 0, "ringing": []}))
    expect(banner).to_be_hidden()
    expect(page).to_have_title(title)
