"""What a phone does with a push: the real worker in a real browser, handed what the city seals."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from django.test import Client
from playwright.sync_api import Page, TimeoutError, expect

from apps.kernel import clock
from apps.notifications import operations
from apps.notifications.models import Device
from tests import rides
from tests.browser import assert_accessible, screenshot
from tests.factories import CITY

# A promise that never comes would hold the whole run: each of these gives up.
PATIENCE = """
  const end = Date.now() + 60_000;
  const wait = async (true_) => {
    while (!(await true_())) {
      if (Date.now() > end) throw new Error("it did not come true");
      await new Promise((done) => { setTimeout(done, 50); });
    }
  };
"""
READY = f"""async () => {{ {PATIENCE}
  await wait(() => navigator.serviceWorker.controller);
}}"""
SHOWN = f"""async ([tag, title]) => {{ {PATIENCE}
  let found = null;
  await wait(async () => {{
    const worker = await navigator.serviceWorker.getRegistration();
    const all = await worker.getNotifications({{ tag }});
    const one = all.find((shown) => shown.title === title);
    if (one) found = {{
      count: all.length, body: one.body, url: one.data.url, lang: one.lang,
      silent: one.silent, stays: one.requireInteraction,
    }};
    return found;
  }});
  return found;
}}"""
# The worker tells every open page of a push that it has got.
LISTEN = """() => {
  window.pushes = 0;
  navigator.serviceWorker.addEventListener("message", () => { window.pushes += 1; });
}"""
NONE_SHOWN = f"""async () => {{ {PATIENCE}
  const worker = await navigator.serviceWorker.getRegistration();
  await wait(async () => !(await worker.getNotifications()).length);
}}"""


@pytest.fixture
def town(transactional_db) -> rides.Town:
    return rides.town()


class Phone:
    """A browser in which somebody is signed in and that the city may ring."""

    def __init__(self, page: Page, site: str, user) -> None:
        client = Client()
        client.force_login(user)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
        page.context.add_cookies([cookie])
        page.context.grant_permissions(["notifications"], origin=site)
        self.page, self.site = page, site
        self.line = page.context.new_cdp_session(page)
        self.registrations: list[str] = []
        self.line.on("ServiceWorker.workerRegistrationUpdated", self._registered)
        self.line.send("ServiceWorker.enable")

    def _registered(self, told: dict) -> None:
        self.registrations += [one["registrationId"] for one in told["registrations"]]

    def open(self, path: str) -> None:
        self.page.goto(f"{self.site}{path}")
        self.page.evaluate(READY)
        self.page.evaluate(LISTEN)

    def push(self, **message: str) -> None:
        told = {"title": "A ride for you", "body": "CLP 2,012", "url": "/drive/", "tag": "t"}
        told |= {"lang": "en", "expires_at": "", "over": "It has run out"} | message
        # The browser's own tool now and then loses one; a push server would send it again.
        for _ in range(5):
            self.line.send(
                "ServiceWorker.deliverPushMessage",
                {
                    "origin": self.site,
                    "registrationId": self.registrations[-1],
                    "data": json.dumps(told),
                },
            )
            with suppress(TimeoutError):
                self.page.wait_for_function("() => window.pushes > 0", timeout=3000)
                self.page.evaluate("() => { window.pushes = 0; }")
                return
        raise AssertionError("no push came through")

    def shown(self, title: str, tag: str = "t") -> dict:
        return self.page.evaluate(SHOWN, [tag, title])


@pytest.fixture
def phone(new_page, site, town) -> Phone:
    return Phone(new_page(service_workers="allow"), site, town.worker.user)


def soon(seconds: float) -> str:
    return (clock.now() + timedelta(seconds=seconds)).isoformat()


def test_an_offer_is_shown_and_says_so_when_it_has_run_out(phone):
    phone.open("/help/")
    # Long enough for a busy machine to see it before it has run out.
    phone.push(expires_at=soon(8))

    assert phone.shown("A ride for you") == {
        "count": 1,
        "body": "CLP 2,012",
        "url": "/drive/",
        "lang": "en",
        "silent": False,
        "stays": True,
    }
    assert phone.shown("It has run out") | {"silent": True, "body": ""} == {
        "count": 1,
        "body": "",
        "url": "/drive/",
        "lang": "en",
        "silent": True,
        "stays": False,
    }


def test_an_offer_that_comes_too_late_only_says_that_it_has_run_out(phone):
    phone.open("/help/")
    phone.push(expires_at=soon(-1))

    assert phone.shown("It has run out")["count"] == 1


def test_the_page_to_which_a_notice_leads_puts_it_away(phone):
    phone.open("/help/")
    phone.push(url="/accessibility/")
    phone.shown("A ride for you")

    phone.open("/accessibility/")
    phone.page.evaluate(NONE_SHOWN)


def test_the_bell_counts_anew_when_a_push_comes_in(phone, town):
    phone.open("/help/")
    operations.notify(
        to=town.worker.user_id,
        kind="ride_unserved",
        about="1",
        link="/drive/",
        context={"dropoff": "Faro"},
        by=CITY,
        at=clock.now(),
    )
    phone.push()

    expect(phone.page.locator(".bell__count")).to_have_text("1")
    expect(phone.page.locator(".bell [data-words]")).to_have_text("Notices, 1 unread")


# The maker's push server is the one part that is not here: the browser gets its subscription from
# the server of these tests, which opens what it is sent with the keys that belong to it.
SUBSCRIBES = """(told) => {
  let mine = null;
  const subscription = { endpoint: told.endpoint, toJSON: () => told,
    unsubscribe: async () => { mine = null; return true; } };
  PushManager.prototype.subscribe = async (wish) => {
    globalThis.asked = { visible: wish.userVisibleOnly, octets: wish.applicationServerKey.length };
    mine = subscription;
    localStorage.setItem("test-subscribed", "1");
    return mine;
  };
  PushManager.prototype.getSubscription = async () =>
    localStorage.getItem("test-subscribed") ? subscription : mine;
}"""


def test_nobody_is_asked_before_a_tap_and_after_it_the_device_rings(
    new_page, site, town, push_server
):
    browser = push_server.browser()
    page = new_page(service_workers="allow")
    page.add_init_script(f"({SUBSCRIBES})({json.dumps(browser.subscription)})")
    phone = Phone(page, site, town.worker.user)
    phone.open("/me/notices/")
    assert page.evaluate("globalThis.asked === undefined")

    page.get_by_role("button", name="Ring this device").click()

    expect(page.get_by_text("This device rings.")).to_be_visible()
    expect(page.get_by_text("this one")).to_be_visible()
    expect(page.get_by_role("button", name="Ring this device")).to_be_hidden()
    device = Device.objects.get()
    assert (device.user, device.endpoint) == (town.worker.user, browser.endpoint)
    assert "Linux" in device.name
    assert_accessible(page)
    screenshot(page, "device-390")

    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("This device is not rung any more.")).to_be_visible()
    assert not Device.objects.kept().exists()


def test_a_browser_without_a_push_server_says_so(phone):
    """As this very browser, which reaches nobody."""
    phone.open("/me/notices/")
    phone.page.get_by_role("button", name="Ring this device").click()

    expect(phone.page.get_by_role("alert")).to_contain_text("could not reach its maker's")
    assert not Device.objects.exists()


def test_whoever_said_no_to_the_browser_is_told_how_to_change_it(new_page, site, town):
    phone = Phone(new_page(service_workers="allow"), site, town.worker.user)
    phone.page.add_init_script(
        'Object.defineProperty(Notification, "permission", { get: () => "denied" })'
    )
    phone.open("/me/notices/")

    expect(phone.page.get_by_text("You have told this browser")).to_be_visible()
    expect(phone.page.get_by_role("button", name="Ring this device")).to_be_hidden()
