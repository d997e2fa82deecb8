"""OSRM, in this process or beside it: questions in, the answers of its HTTP API out.

Both engines answer with the same nested mappings, so that nobody above can tell them apart.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import osrm

# Nobody is picked up further than this from a street.
SNAP_METRES = 1_000

# The prefix of the files that OSRM prepares: no file bears this very name.
STREETS = "streets.osrm"

HTTP_SECONDS = 5.0

# An engine elsewhere that did not answer is left alone so long: estimates now are worth more
# than the same answer after the time-out, for every car and every rider.
REST_SECONDS = 10.0

# (longitude, latitude) in degrees.
type LonLat = tuple[float, float]
type Answer = Any


class NoWay(Exception):
    """No street is near enough, or no way leads from one to the other."""


class Broken(Exception):
    """The engine did not answer, or not sensibly."""


class Engine(Protocol):
    """What routing asks of OSRM.  Each raises `NoWay` or `Broken`."""

    def route(self, points: Sequence[LonLat]) -> Answer: ...

    def table(self, origins: Sequence[LonLat], destinations: Sequence[LonLat]) -> Answer: ...

    def nearest(self, point: LonLat) -> Answer: ...


class InProcess:
    """OSRM inside this process, over the files in a folder.  Threads may share it."""

    def __init__(self, folder: Path) -> None:
        try:
            self._osrm = osrm.OSRM(str(folder / STREETS))
        except RuntimeError as error:
            raise Broken(f"{folder}: {error}") from error

    def route(self, points: Sequence[LonLat]) -> Answer:
        return self._ask(
            self._osrm.Route,
            osrm.RouteParameters(
                coordinates=list(points),
                radiuses=[SNAP_METRES] * len(points),
                geometries="geojson",
                overview="full",
                generate_hints=False,
            ),
        )

    def table(self, origins: Sequence[LonLat], destinations: Sequence[LonLat]) -> Answer:
        return self._ask(
            self._osrm.Table,
            osrm.TableParameters(
                coordinates=[*origins, *destinations],
                sources=list(range(len(origins))),
                destinations=list(range(len(origins), len(origins) + len(destinations))),
                annotations=["duration", "distance"],
                generate_hints=False,
            ),
        )

    def nearest(self, point: LonLat) -> Answer:
        return self._ask(
            self._osrm.Nearest,
            osrm.NearestParameters(
                coordinates=[point], radiuses=[SNAP_METRES], generate_hints=False
            ),
        )

    def _ask(self, service: Any, parameters: Any) -> Answer:
        try:
            return service(parameters)
        except RuntimeError as error:
            # The bindings raise "NoSegment - Could not find a matching segment ...".
            raise _complaint(str(error).partition(" ")[0], str(error)) from error


class Remote:
    """An `osrm-routed` somewhere else, spoken to by HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._resting_until = 0.0

    def route(self, points: Sequence[LonLat]) -> Answer:
        radiuses = ";".join([str(SNAP_METRES)] * len(points))
        return self._ask(
            "route",
            points,
            radiuses=radiuses,
            geometries="geojson",
            overview="full",
            generate_hints="false",
        )

    def table(self, origins: Sequence[LonLat], destinations: Sequence[LonLat]) -> Answer:
        ahead = len(origins)
        return self._ask(
            "table",
            [*origins, *destinations],
            sources=";".join(str(i) for i in range(ahead)),
            destinations=";".join(str(ahead + i) for i in range(len(destinations))),
            annotations="duration,distance",
            generate_hints="false",
        )

    def nearest(self, point: LonLat) -> Answer:
        return self._ask("nearest", [point], radiuses=str(SNAP_METRES), generate_hints="false")

    def _ask(self, service: str, points: Sequence[LonLat], **options: str) -> Answer:
        if time.monotonic() < self._resting_until:
            raise Broken("did not answer a moment ago")
        where = ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in points)
        query = urllib.parse.urlencode(options, safe=";,")
        url = f"{self._url}/{service}/v1/driving/{where}?{query}"
        try:
            with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            # A refusal is a 400 whose body says which.
            raise _refusal(error) from error
        except (OSError, ValueError) as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            raise Broken(str(error)) from error


def _refusal(error: urllib.error.HTTPError) -> Exception:
    try:
        answer = json.load(error)
        return _complaint(str(answer["code"]), str(answer.get("message", "")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return Broken(f"HTTP {error.code}")


def _complaint(code: str, message: str) -> Exception:
    no_way = code in ("NoRoute", "NoSegment", "NoTable")
    return NoWay(message) if no_way else Broken(message)
