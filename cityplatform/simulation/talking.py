"""How our people talk with the city: calls that are asked again, lines that come back."""

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any

import httpx
import websockets

from cityplatform.simulation.records import Tally

LONGEST_WAIT = 5.0


class Refused(Exception):
    """The city said no, and asking again would not help."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


def pause_before(attempt: int, chance: Random) -> float:
    """Seconds before the next try: longer each time, and never all at once."""
    return min(LONGEST_WAIT, 0.25 * float(2 ** min(attempt, 8))) * chance.uniform(0.5, 1)


class Api:
    """The public API as one person uses it.

    Whatever the city cannot do right now (no connection, 429, 5xx) is asked again with the same
    key until it can; who asks decides how long by cancelling.  Raises `Refused` for a plain no.
    """

    def __init__(self, http: httpx.AsyncClient, token: str, chance: Random, tally: Tally) -> None:
        self.http = http
        self.token = token
        self._chance = chance
        self._tally = tally

    async def get(self, path: str, **params: Any) -> Any:
        return await self.ask("GET", path, params=params)

    async def post(self, path: str, body: Any, key: str = "") -> Any:
        return await self.ask("POST", path, body=body, key=key)

    async def ask(
        self, method: str, path: str, *, params: Any = None, body: Any = None, key: str = ""
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        attempt = 0
        while True:
            try:
                answer = await self.http.request(
                    method, path, params=params or None, json=body, headers=headers
                )
                if answer.status_code < 400:
                    return answer.json() if answer.content else None
                code = self._code(answer)
                self._tally.errors[code] += 1
                if answer.status_code < 500 and answer.status_code != 429:
                    raise Refused(answer.status_code, code)
            except (httpx.TransportError, ValueError) as away:
                self._tally.errors[type(away).__name__] += 1
            await asyncio.sleep(pause_before(attempt, self._chance))
            attempt += 1

    @staticmethod
    def _code(answer: httpx.Response) -> str:
        try:
            told = answer.json()
        except ValueError:
            told = None
        code = told.get("code") if isinstance(told, dict) else None
        return str(code or f"http_{answer.status_code}")


class Line:
    """A socket that comes back by itself.  Each time it does, the city says where things stand."""

    def __init__(
        self,
        url: str,
        token: str,
        chance: Random,
        tally: Tally,
        heard: Callable[[dict[str, Any]], None],
    ) -> None:
        self._url = url
        self._token = token
        self._chance = chance
        self._tally = tally
        self._heard = heard
        self._socket: websockets.ClientConnection | None = None
        self._away = 0.0

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    async def keep(self) -> None:
        """Hold the line for ever, until cancelled."""
        attempt = 0
        while True:
            try:
                async with websockets.connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    open_timeout=10,
                    ping_interval=20,
                    close_timeout=1,
                    compression=None,
                    proxy=None,
                ) as socket:
                    self._socket = socket
                    attempt = 0
                    async for frame in socket:
                        self._hear(frame)
            except (OSError, TimeoutError, websockets.WebSocketException) as lost:
                if isinstance(lost, websockets.InvalidStatus):
                    self._tally.errors[f"line_http_{lost.response.status_code}"] += 1
                elif not self._away:
                    self._tally.errors[f"line_{type(lost).__name__}"] += 1
            finally:
                self._socket = None
            await asyncio.sleep(self._away or pause_before(attempt, self._chance))
            self._away = 0.0
            attempt += 1
            self._tally.answers["reconnects"] += 1

    def _hear(self, frame: str | bytes) -> None:
        told = json.loads(frame)
        if told.get("type") == "error":
            self._tally.errors[str(told.get("code"))] += 1
        self._heard(told)

    async def say(self, **message: Any) -> bool:
        """Send something if there is a line.  Whether it arrived shows in what comes back."""
        socket = self._socket
        if socket is None:
            return False
        try:
            await socket.send(json.dumps(message))
        except websockets.WebSocketException:
            return False
        return True

    async def lose(self, seconds: float) -> None:
        """Break the line without a word, as a tunnel does, for so long."""
        if self._socket is not None:
            self._away = seconds
            self._socket.transport.abort()
