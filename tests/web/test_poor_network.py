"""What a first visit costs whoever has a poor line."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from apps.places.models import City
from tests.browser import watch

LINE = 400_000 / 8  # bytes in a second: a page of 250 kB takes five
# Measured without compression, which the city serves with: the real figure is lower.
MOST = {"/": 250_000, "/rides/": 250_000}


@pytest.mark.parametrize("path", MOST)
def test_a_poor_line_still_leads_to_a_page_that_can_be_used(
    new_page: Callable[..., Page], site: str, city: City, path: str
) -> None:
    page = new_page()
    page.set_default_timeout(60_000)
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 400, "downloadThroughput": LINE, "uploadThroughput": LINE},
    )
    arrived: list[float] = []
    line.on("Network.loadingFinished", lambda told: arrived.append(told["encodedDataLength"]))
    told = watch(page)
    page.goto(f"{site}{path}", wait_until="domcontentloaded")
    expect(page.get_by_role("combobox").last).to_be_editable()
    usable = sum(arrived)
    assert told == []
    assert 0 < usable < MOST[path]


def test_a_line_asks_how_things_stand_when_the_phone_is_back_or_looked_at(
    new_page: Callable[..., Page], site: str, city: City
) -> None:
    page = new_page()
    heard: list[str] = []

    def answer(line: WebSocketRoute) -> None:
        line.on_message(lambda text: (heard.append(str(text)), line.send('{"type":"state"}')))

    page.route_web_socket("**/ws/test", answer)
    page.goto(f"{site}/help/")
    states = page.evaluate(
        """async () => {
          const { connect } = await import("/static/js/socket.js");
          const states = [];
          let hears;
          const heard = () => new Promise((resolve) => { hears = resolve; });
          let next = heard();
          connect("/ws/test", {
            hello: { type: "sync" },
            onState: (state) => states.push(state),
            onMessage: () => hears(),
          });
          await next;
          dispatchEvent(new Event("offline"));
          next = heard();
          dispatchEvent(new Event("online"));
          await next;
          next = heard();
          document.dispatchEvent(new Event("visibilitychange"));
          await next;
          return states;
        }"""
    )
    assert states == ["connecting", "open", "offline", "connecting", "open"]
    assert heard == ['{"type":"sync"}'] * 3


def test_a_line_that_is_open_but_dead_is_opened_anew(
    new_page: Callable[..., Page], site: str, city: City
) -> None:
    page = new_page()
    page.clock.install()
    heard: list[str] = []

    def until(holds: Callable[[], bool]) -> None:
        """Let the browser speak until something has come of it."""
        for _ in range(1_000):
            if holds():
                return
            page.evaluate("0")
        raise AssertionError(heard)

    lines: list[WebSocketRoute] = []

    def answer(line: WebSocketRoute) -> None:
        lines.append(line)

        def on_message(text: object) -> None:
            heard.append(str(text))
            # The first line answers one ping, and is dead from then on.
            if len(heard) <= 2 or len(lines) > 1:
                line.send('{"type":"pong"}' if "ping" in str(text) else '{"type":"state"}')

        line.on_message(on_message)

    page.route_web_socket("**/ws/test", answer)
    page.goto(f"{site}/help/")
    page.evaluate(
        """async () => {
          const { connect } = await import("/static/js/socket.js");
          window.states = [];
          window.messages = [];
          connect("/ws/test", {
            hello: { type: "sync" },
            onState: (state) => states.push(state),
            onMessage: ({ type }) => messages.push(type),
          });
        }"""
    )
    until(lambda: page.evaluate("messages.length === 1"))
    page.clock.fast_forward(25_000)
    until(lambda: len(heard) == 2)
    page.clock.fast_forward(8_000)
    assert page.evaluate("states") == ["connecting", "open"]

    page.clock.fast_forward(25_000)
    until(lambda: len(heard) == 3)
    page.clock.fast_forward(8_000)
    until(lambda: page.evaluate("states.includes('waiting')"))
    page.clock.fast_forward(1_000)
    until(lambda: page.evaluate("messages.length === 2"))

    assert page.evaluate("states") == ["connecting", "open", "waiting", "connecting", "open"]
    assert page.evaluate("messages") == ["state", "state"]
    sync, ping = '{"type":"sync"}', '{"type":"ping"}'
    assert heard == [sync, ping, ping, sync]
