"""An officer who gives money back while the city dies around them, at the office's own pages."""

import asyncio
import re
from collections import Counter
from random import Random

import httpx

# Seconds between two refunds, and between two tries of one.
EVERY, AGAIN = (1.0, 4.0), 1.0
# A fee is smaller than any fare: nobody is given back more than was taken.
MOST = 500

PAYMENTS = "/admin/payments/payment/"


class Officer:
    """One officer with a browser.  `given` is what the city said it would give back: key, amount.

    Whatever the city cannot do right now is sent again as it was, the form's own key with it.
    """

    def __init__(self, url: str, email: str, password: str, *, seed: int, refunds: int) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=20, trust_env=False)
        self.email, self.password = email, password
        self.chance = Random(f"{seed}/office")
        self.left = refunds
        self.given: list[tuple[str, str]] = []
        self.answers: Counter[str] = Counter()
        self._done: set[str] = set()

    async def work(self) -> None:
        """Give money back, of one payment after another, until the refunds are used up."""
        async with self.http:
            await self._sign_in()
            while self.left > 0:
                await asyncio.sleep(self.chance.uniform(*EVERY))
                page = await self._ask("GET", f"{PAYMENTS}?state__exact=CAPTURED")
                rows = set(re.findall(r'name="_selected_action" value="(\d+)"', page.text))
                if left := sorted(rows - self._done, key=int):
                    await self._give_back(self.chance.choice(left))

    async def _sign_in(self) -> None:
        page = await self._ask("GET", "/admin/login/")
        body = {"username": self.email, "password": self.password, **_hidden(page, "next")}
        answer = await self._ask("POST", str(page.url), body)
        assert answer.status_code == 302, "the officer's password does not open the office"

    async def _give_back(self, payment: str) -> None:
        page = await self._ask("GET", PAYMENTS)
        body = {"action": "refund", "_selected_action": payment, **_hidden(page)}
        form = await self._ask("POST", PAYMENTS, body)
        hidden = _hidden(form, "key", "because")
        if "key" not in hidden:
            return
        minor = str(self.chance.randint(1, MOST))
        body |= hidden | {"amount": minor, "who": "all", "reason": "The car smelt of fish"}
        answer = await self._ask("POST", PAYMENTS, body)
        self._done.add(payment)
        # The office leads back to its list once the refund is noted; else it shows the form again.
        if answer.status_code == 302:
            self.given.append((hidden["key"], minor))
            self.left -= 1

    async def _ask(
        self, method: str, path: str, body: dict[str, str] | None = None
    ) -> httpx.Response:
        while True:
            try:
                answer = await self.http.request(method, path, data=body)
            except httpx.TransportError as away:
                self.answers[type(away).__name__] += 1
            else:
                self.answers[f"http_{answer.status_code}"] += 1
                if answer.status_code < 500:
                    return answer
            await asyncio.sleep(AGAIN)


def _hidden(page: httpx.Response, *names: str) -> dict[str, str]:
    """What the page's form carries unseen."""
    found = {}
    for name in ("csrfmiddlewaretoken", *names):
        if told := re.search(rf'name="{name}" value="([^"]*)"', page.text):
            found[name] = told[1]
    return found
