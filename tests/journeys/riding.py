"""What the journeys share: the city's people, its API, and a look into its books."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg

from cityplatform.running import Platform

PLAZA = {"lat": -29.9027, "lon": -71.2519, "name": "Plaza de Armas de La Serena"}
LIGHTHOUSE = {"lat": -29.9058, "lon": -71.2741, "name": "Faro Monumental"}
NEAR_PLAZA = {"lat": -29.9045, "lon": -71.2490}

TOKENS = """
import json
from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.parties import operations
from apps.parties.models import User
made = {}
for user in User.objects.all():
    _, secret = operations.issue_token(
        user_id=user.pk, name="journey", expires_at=None, by=Actor.system("journey"), at=clock.now()
    )
    made[user.email.split("@")[0]] = secret
print("TOKENS" + json.dumps(made))
"""


class Refused(Exception):
    """The city said no: its status and what it told."""

    def __init__(self, status: int, told: Any) -> None:
        super().__init__(f"{status} {told}")
        self.status, self.told = status, told


class City:
    """A running platform, spoken to as programs and officers do."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.url = platform.url
        self._database = platform.env["DATABASE_URL"]
        told = platform.manage("shell", "--verbosity=0", "-c", TOKENS)
        self.tokens: dict[str, str] = json.loads(told.rpartition("TOKENS")[2])

    def people(self) -> dict[str, dict[str, str]]:
        """Everybody of the demo by the first part of their address."""
        known = json.loads((self.platform.data / "demo_people.json").read_text())
        return {one["email"].split("@")[0]: one for one in known}

    def kill(self, name: str) -> int:
        """End a process without a word and go on at once.  Returns its number."""
        number = self.platform.pids()[name]
        os.kill(number, signal.SIGKILL)
        return number

    def api(self, who: str, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """One call for somebody.  Raises `Refused`, or `OSError` when nobody answers."""
        headers = {
            "Authorization": f"Bearer {self.tokens[who]}",
            "Content-Type": "application/json",
            **({"Idempotency-Key": key} if key else {}),
        }
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            method=method,
            headers=headers,
            data=None if body is None else json.dumps(body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                told = answer.read()
        except urllib.error.HTTPError as no:
            raise Refused(no.code, no.read().decode(errors="replace")[:4000]) from None
        return json.loads(told) if told else None

    def until(self, true: Callable[[], Any], seconds: float = 60) -> Any:
        """Ask until there is an answer, as an app does whose city is away for a moment.

        What a server cannot do right now (5xx, no connection) is asked again; a plain no is not.
        """
        end = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < end:
            try:
                if answer := true():
                    return answer
            except Refused as no:
                if no.status < 500 and no.status != 429:
                    raise
                last = no
            except (OSError, psycopg.OperationalError) as away:
                last = away
            # Between two looks; `end` bounds them.
            time.sleep(0.2)
        raise TimeoutError(f"it did not come true in {seconds:.0f} s; last {last!r}")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._database) as connection:
            return connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Any:
        return self.rows(sql, *values)[0][0]

    # --- a ride, as programs make it ---------------------------------------------------------

    def on_line(self, driver: str) -> None:
        self.until(lambda: self.api(driver, "POST", "driver/shift", {"action": "on_line"}))
        self.until(lambda: self.seen(driver))

    def seen(self, driver: str) -> bool:
        self.api(driver, "POST", "driver/position", NEAR_PLAZA)
        return True

    def place(self, rider: str) -> str:
        """Ask for prices and take the plain car.  Returns the order's reference."""
        trip = {"pickup": PLAZA, "dropoff": LIGHTHOUSE}
        bundle = self.until(lambda: self.api(rider, "POST", "rides/quotes", trip))
        quote = next(one for one in bundle["quotes"] if one["kind"] == "standard")
        cards = self.until(lambda: self.api(rider, "GET", "cards"))
        card = next(one for one in cards if one["is_default"])
        key, body = uuid4().hex, {"quotes": [quote["ref"]], "card": card["id"]}
        placed = self.until(lambda: self.api(rider, "POST", "orders", body, key))
        return str(placed[0]["ref"])

    def accept(self, driver: str, ref: str) -> None:
        """Answer offers until this ride is the driver's."""

        def answered() -> bool:
            self.seen(driver)
            state = self.api(driver, "GET", "driver")
            if any(one["ref"] == ref for one in state["rides"]):
                return True
            if offer := state["offer"]:
                try:
                    self.api(driver, "POST", f"driver/offers/{offer['id']}", {"answer": "accept"})
                except Refused as no:
                    if no.status != 409:
                        raise
            return False

        self.until(answered)

    def step(self, driver: str, ref: str, stage: str, **step: str) -> None:
        """Take a step until the ride has come to this stage; asked twice, it counts once."""

        def taken() -> bool:
            try:
                self.api(driver, "POST", f"orders/{ref}/steps", step)
            except Refused as no:
                if no.status != 409:
                    raise
            return self.stage(driver, ref) == stage

        self.until(taken)

    def stage(self, who: str, ref: str) -> str:
        return str(self.api(who, "GET", f"orders/{ref}")["stage"])

    def code(self, rider: str, ref: str) -> str:
        order = self.until(lambda: self.api(rider, "GET", f"orders/{ref}"))
        return str(order["details"]["start_code"])

    def ride(self, rider: str, driver: str, at: Callable[[str], None] = lambda moment: None) -> str:
        """A whole ride, to the captured payment.  `at` hears of each stage as it comes."""
        self.on_line(driver)
        ref = self.place(rider)
        at("placed")
        self.accept(driver, ref)
        at("on_the_way")
        self.step(driver, ref, "at_pickup", step="arrive")
        self.step(driver, ref, "on_board", step="board", code=self.code(rider, ref))
        at("on_board")
        self.step(driver, ref, "done", step="drop_off")
        # A bank that was away is asked again after 15 seconds, by a sweep once a minute.
        self.until(lambda: self.payment(ref)[0] == "CAPTURED", 150)
        return ref

    def is_ready(self) -> bool:
        """Whether every part answers."""
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
            return bool(json.load(answer)["state"] == "ready")

    # --- the books ---------------------------------------------------------------------------

    def assert_books_balance(self) -> None:
        sums = self.rows("SELECT currency, sum(amount_minor) FROM ledger_entry GROUP BY currency")
        assert [(currency, int(total)) for currency, total in sums] == [("CLP", 0)]
        crooked = self.rows(
            "SELECT journal_id FROM ledger_entry GROUP BY journal_id HAVING sum(amount_minor) <> 0"
        )
        assert crooked == []

    def basket(self, ref: str) -> str:
        return str(
            self.one(
                "SELECT basket.ref FROM orders_basket basket"
                " JOIN orders_order o ON o.basket_id = basket.id WHERE o.ref = %s",
                ref,
            )
        )

    def payment(self, ref: str) -> tuple[Any, ...]:
        """State, amount and what was taken, of the payment of a ride."""
        return self.rows(
            "SELECT state, amount_minor, captured_minor FROM payments_payment WHERE holder = %s",
            self.basket(ref),
        )[0]

    def owed(self, provider: int) -> int:
        """What is booked for a provider and not paid out yet."""
        account = f"provider:{provider}:payable"
        return -int(
            self.one(
                "SELECT coalesce(sum(entry.amount_minor), 0) FROM ledger_entry entry"
                " JOIN ledger_account account ON account.id = entry.account_id"
                " WHERE account.code = %s",
                account,
            )
        )

    def booked(self, ref: str) -> dict[str, int]:
        """What the ride moved, by the kind of account: the sum of its entries."""
        found = self.rows(
            "SELECT account.code, sum(entry.amount_minor) FROM ledger_entry entry"
            " JOIN ledger_journal journal ON journal.id = entry.journal_id"
            " JOIN ledger_account account ON account.id = entry.account_id"
            " WHERE journal.about = %s GROUP BY account.code",
            ref,
        )
        return {code: int(total) for code, total in found}
