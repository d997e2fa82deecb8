"""schemathesis against the whole description of the API, as several kinds of people by turns.

What is asked is made from the description: what it allows, what it forbids, and what nobody
thought of.  Everything answers from the real application, within this process, on the real
database; what stands in addresses is taken from a small city (`tests.access.world`) as often as
it is invented.
"""

import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from unittest import mock

import schemathesis
from django.core.signals import got_request_exception
from django.core.wsgi import get_wsgi_application
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.specs.openapi.checks import is_unexpected_http_status_case
from schemathesis.transport.wsgi import WSGITransport

from tests.api.fuzzed import City, Person

DESCRIPTION = "/api/v1/openapi.json"
# What the engine has to say in words; a fault of ours comes with the end of its traceback.
LINES = 6


@dataclass
class Findings:
    """What was wrong, each with a line that repeats it, and how much was asked."""

    wrong: dict[tuple[str, str, str], str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[int]] = field(default_factory=dict)

    def told(self) -> str:
        lines = [f"{' | '.join(key)}\n{told}" for key, told in self.wrong.items()]
        return "\n\n".join([*lines, *self.faults]) or "nothing"

    def never_done(self) -> list[str]:
        """Operations of which not one was allowed, so that nobody knows what they answer then."""
        return sorted(
            label
            for label, statuses in self.answers.items()
            if not any(200 <= status < 300 for status in statuses)
        )


def run(city: City, *, seed: int, examples: int, steps: int = 0, only: str = "") -> Findings:
    """Ask everything, or only below one address; `examples` of each operation
    besides those that follow from its description, and, with `steps`, as many one after another.
    """
    app = get_wsgi_application()
    raw = schemathesis.openapi.from_wsgi(DESCRIPTION, app, config=SchemathesisConfig()).raw_schema
    raw["paths"] = {path: it for path, it in raw["paths"].items() if path.startswith(only)}
    told = _config(list(raw["paths"]), city, seed, examples, steps)
    config = SchemathesisConfig.from_dict(told)
    described = schemathesis.openapi.from_dict(raw, config=config)
    described.app, described.location = app, DESCRIPTION
    # The person is chosen anew for every question.
    described.auth(refresh_interval=None)(_turns(city))
    found = Findings()
    with _faults(found), _no_network():
        for event in from_schema(described).execute():
            _note(event, found)
    return found


def _config(paths: list[str], city: City, seed: int, examples: int, steps: int) -> dict[str, Any]:
    operations = [
        {
            "include-path": path,
            "parameters": {
                place: {"dictionary": name, "probability": 0.7}
                for place, name in city.fills(path).items()
            },
        }
        for path in paths
    ]
    stateful = {"max-steps": steps, "generation": {"max-examples": examples}} if steps else {}
    return {
        "seed": seed,
        "continue-on-failure": True,
        # What one run has learnt is not for the next, which would ask otherwise.
        "cache": {"enabled": False},
        "generation": {"deterministic": True, "database": "none", "no-shrink": True},
        "dictionaries": {name: {"values": values} for name, values in city.things.items()},
        "operations": operations,
        "phases": {
            "fuzzing": {"generation": {"max-examples": examples}},
            "stateful": {"enabled": bool(steps), **stateful},
        },
        # All of them are on but one, in whose place `what_is_allowed_is_understood` stands.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }


@contextmanager
def _no_network() -> Iterator[None]:
    """A probe without a session hands settings of a network on to the application (4.32)."""
    send = WSGITransport.send

    def sent(self: Any, case: Any, **rest: Any) -> Any:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            rest.pop(name, None)
        return send(self, case, **rest)

    with mock.patch.object(WSGITransport, "send", sent):
        yield


# Fields that a rule may refuse which no description of types can say: other fields decide, or
# what is in a file, or what there is in the city.
RULED = {
    "POST /api/v1/cases": {"provider", "about", "file"},
    "POST /api/v1/cases/{ref}/statements": {"file"},
    "POST /api/v1/cases/{ref}/application": {"file"},
    "POST /api/v1/decisions/{ref}/appeal": {"file"},
    "POST /api/v1/driver/papers": {"scan"},
    "POST /api/v1/me/places": {"name"},
    "POST /api/v1/orders": {"card"},
    "PATCH /api/v1/orders/{ref}/lost": {"non_field_errors"},
    "GET /mds/policies": {"end_date"},
    "POST /mds/metrics": {"timezone", "start_date", "end_date", "filters"},
}


@schemathesis.check
def what_is_allowed_is_understood(ctx: Any, response: Any, case: Any) -> None:
    """What the description allows may be refused by a rule of the city, but never as unreadable.

    schemathesis' own check knows the status alone.  Ours has a word for why.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 415, 422) or is_unexpected_http_status_case(case):
        return
    told = response.json()
    word = told.get("code") or told.get("error")
    if word in {"invalid", "bad_param", "missing_param"}:
        lines = told.get("errors") or [one.partition(":")[0] for one in told["error_details"]]
        assert lines, f"{word}, and not what"
        body = case.body if isinstance(case.body, dict) else {}
        # Where null may stand, schemathesis takes "" for text of any format.
        # And it may write what the pattern of a text forbids: such a question was not allowed.
        named = {name for name in lines if body.get(name) != "" and "\0" not in str(body.get(name))}
        assert named <= RULED.get(case.operation.label, set()), f"{named} not understood"
    assert word not in {"malformed", "unsupported_media_type", "key_needed"}, word


def _turns(city: City) -> Any:
    """Who asks is decided by what is asked, so that the same question has the same asker."""
    names = sorted(city.people)

    class Turns:
        def get(self, case: Any, context: Any) -> Person:
            home = city.at_home(case.operation.path)
            asked = (case.path_parameters, case.query, case.body)
            if not any(asked[:2]) and case.operation.method.upper() == "GET":
                # There is one such question; that others are refused is a check of its own.
                return home
            told = repr((case.method, case.operation.path, *asked))
            turn = blake2b(told.encode("utf-8", "backslashreplace"), digest_size=4).digest()
            place = int.from_bytes(turn) % (2 * len(names))
            return city.people[names[place]] if place < len(names) else home

        def set(self, case: Any, person: Person, context: Any) -> None:
            case.headers = {**(case.headers or {}), **person.headers}
            case.cookies = {**(case.cookies or {}), **person.cookies}

    return Turns


@contextmanager
def _faults(found: Findings) -> Iterator[None]:
    def note(sender: Any, request: Any, **rest: Any) -> None:
        told = "".join(traceback.format_exception(*sys.exc_info())[-LINES:])
        found.faults.append(f"500 {request.method} {request.get_full_path()}\n{told}")

    got_request_exception.connect(note)
    try:
        yield
    finally:
        got_request_exception.disconnect(note)


def _note(event: Any, found: Findings) -> None:
    if isinstance(event, events.NonFatalError):
        found.wrong[(event.label, "error", type(event.value).__name__)] = str(event.info.format())
    if isinstance(event, events.FatalError):
        raise event.exception
    if not isinstance(event, events.ScenarioFinished):
        return
    for case_id, interaction in event.recorder.interactions.items():
        label = event.recorder.cases[case_id].value.operation.label
        found.asked[event.phase.value] += 1
        if interaction.response is not None:
            found.answers.setdefault(label, Counter())[interaction.response.status_code] += 1
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status is Status.FAILURE:
                info = check.failure_info
                case = event.recorder.cases[case_id].value
                answer = event.recorder.interactions[case_id].response
                key = (case.operation.label, check.name, info.failure.title)
                if key not in found.wrong:
                    found.wrong[key] = (
                        f"{info.failure.message[:600]}\n{info.code_sample[:900]}\n"
                        f"-> {answer.status_code} {answer.text[:400]}"
                    )
