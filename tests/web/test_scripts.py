"""What the pages' scripts do, seen in a real browser."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from apps.places.models import City
from apps.web import navigation
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import NOON

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rides(settings) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.web.open_city"
    navigation._exists.cache_clear()
    yield
    navigation._exists.cache_clear()


@pytest.fixture
def home(new_page: Callable[..., Page], site: str, city: City, rides: None) -> Page:
    page = new_page()
    page.goto(site)
    return page


def test_a_place_is_found_by_the_keyboard_alone(home: Page) -> None:
    field = home.get_by_role("combobox", name="Where to?")
    field.press_sequentially("faro", delay=10)
    option = home.get_by_role("option", name="Faro Monumental")
    expect(option).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(home.get_by_role("status")).to_contain_text("1 place found")
    assert_accessible(home)
    screenshot(home, "home-search-390")
    field.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", option.get_attribute("id") or "")
    field.press("Enter")
    home.wait_for_url("**/rides/?**")
    asked = json.loads(home.locator("body").inner_text())
    assert asked["to"] == "Faro Monumental"
    assert (float(asked["to_lat"]), float(asked["to_lon"])) == (-29.9061, -71.2743)


def test_what_is_typed_after_a_choice_is_no_longer_that_place(home: Page) -> None:
    home.evaluate("document.querySelector('[data-combo]').removeAttribute('data-send')")
    field = home.get_by_role("combobox")
    field.press_sequentially("recova")
    home.get_by_role("option", name="La Recova").click()
    expect(home.locator("[name=to_lat]")).to_have_value("-29.900100")
    field.press_sequentially(" 2")
    expect(home.locator("[name=to_lat]")).to_have_value("")


def test_escape_closes_the_list_first_and_empties_the_field_then(home: Page) -> None:
    field = home.get_by_role("combobox")
    field.press_sequentially("plaza")
    expect(home.get_by_role("option", name="Plaza de Armas")).to_be_visible()
    field.press("Escape")
    expect(home.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("plaza")
    field.press("Escape")
    expect(field).to_have_value("")


def test_a_name_that_nobody_knows_is_said_and_not_offered(home: Page) -> None:
    home.get_by_role("combobox").press_sequentially("xyzzy")
    expect(home.locator(".combo__none")).to_contain_text("xyzzy")
    home.get_by_role("combobox").press("ArrowDown")
    assert home.get_by_role("combobox").get_attribute("aria-activedescendant") is None


def test_without_a_script_the_words_are_sent_as_they_were_typed(
    new_page: Callable[..., Page], site: str, city: City, rides: None
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(site)
    page.get_by_role("combobox").fill("Faro")
    page.get_by_role("button", name="See prices").click()
    asked = json.loads(page.locator("body").inner_text())
    assert asked == {"to": "Faro", "to_lat": "", "to_lon": ""}


def test_the_theme_changes_at_once_and_is_kept(
    new_page: Callable[..., Page], site: str, city: City
) -> None:
    page = new_page()
    complaints = watch(page)
    page.goto(f"{site}/help/")
    with page.expect_response("**/theme/"):
        page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(f"{site}/accessibility/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    ground = "getComputedStyle(document.documentElement).getPropertyValue('--map-land')"
    assert page.evaluate(ground) == "rgb(18, 26, 25)"
    assert complaints == []


RING = """(seconds) => {
  const now = Date.now() + 3 * 3600 * 1000; // the server's clock is three hours ahead of ours
  const ring = document.createElement("div");
  ring.className = "ring";
  Object.assign(ring.dataset, {
    now: new Date(now).toISOString(), whole: "20", says: "{n} seconds left", over: "over",
    countdown: new Date(now + seconds * 1000).toISOString(),
  });
  ring.innerHTML = '<p class="ring__n"><span data-left></span></p>';
  ring.addEventListener("countdown:over", () => { ring.dataset.told = "yes"; });
  document.querySelector("main").append(ring);
}"""


def test_a_countdown_goes_by_the_servers_clock_and_ends_once(
    new_page: Callable[..., Page], site: str, city: City
) -> None:
    page = new_page()
    # It stands still, so that no second passes but those that are counted here.
    page.clock.install(time=NOON)
    page.goto(f"{site}/help/")
    page.clock.pause_at(NOON + timedelta(hours=1))
    page.evaluate("import('/static/js/countdown.js')")
    page.evaluate(RING, 12)
    left = page.locator("[data-left]")
    expect(left).to_have_text("12")
    page.clock.run_for(2_300)
    expect(left).to_have_text("10")
    expect(page.get_by_role("status")).to_have_text("10 seconds left")
    page.clock.run_for(5_000)
    expect(page.locator(".ring")).to_have_class("ring is-last")
    page.clock.run_for(6_000)
    expect(left).to_have_text("over")
    expect(page.locator(".ring")).to_have_attribute("data-told", "yes")


def test_a_lost_line_comes_back_and_asks_how_things_stand(
    new_page: Callable[..., Page], site: str, city: City
) -> None:
    page = new_page()
    page.clock.install()
    lines: list[WebSocketRoute] = []
    heard: list[object] = []

    def answer(line: WebSocketRoute) -> None:
        lines.append(line)
        line.on_message(
            lambda text: (heard.append(json.loads(text)), line.send('{"type":"state"}'))
        )

    page.route_web_socket("**/ws/test", answer)
    page.goto(f"{site}/help/")
    page.evaluate(
        """async () => {
          const { connect } = await import("/static/js/socket.js");
          window.states = [];
          window.line = connect("/ws/test", {
            hello: { type: "sync" }, onState: (state) => window.states.push(state),
          });
        }"""
    )
    page.wait_for_function("window.states.includes('open')")
    lines[0].close(code=1012)
    # Its clock runs on: on a slow machine the wait may be over before it is looked for.
    page.wait_for_function("window.states.includes('waiting')")
    page.clock.run_for(1_000)
    page.wait_for_function("window.states.filter((one) => one === 'open').length === 2")
    page.wait_for_function("true")
    lines[1].close(code=4403)
    page.wait_for_function("window.states.at(-1) === 'refused'")
    page.clock.run_for(60_000)
    assert len(lines) == 2
    assert heard == [{"type": "sync"}, {"type": "sync"}]


def test_a_dialog_gives_the_focus_back_to_whoever_opened_it(
    new_page: Callable[..., Page], site: str, city: City
) -> None:
    page = new_page(width=1280)
    page.goto(f"{site}/design/")
    opener = page.get_by_role("button", name="Open it for real").first
    opener.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    screenshot(page, "dialog-1280")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()
