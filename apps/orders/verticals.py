"""What an order needs to know about a kind of service, and who provides it.

A vertical is data.  It names its legs, its steps, its charge and its pages, and registers
itself when its app is ready:

    class MobilityConfig(AppConfig):
        def ready(self):
            verticals.register(RIDE)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from django.utils.functional import Promise

from apps.kernel.actors import Actor, Kind
from apps.orders.models import Order
from apps.pricing.models import Line, Quote
from apps.regulation.rules import Case

type Data = Mapping[str, Any]
type Verb = Literal["confirm", "pick_up", "release", "put_back"]


class OutOfTurn(Exception):
    """The order is not ready for this step, or it is not this actor's to take."""


class StepRefused(Exception):
    """The step is in turn, but something about it is wrong.  `code` says what."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Engine(Protocol):
    """Anything that can run out.  A module with these three functions will do."""

    def hold(
        self, request: Any, /, *, holder: UUID, until: datetime, by: Actor, at: datetime
    ) -> Any: ...

    def confirm(self, *, holder: UUID, by: Actor, at: datetime) -> None: ...

    def release(self, *, holder: UUID, by: Actor, at: datetime) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One thing that must be free: the engine that knows, and what to ask it."""

    engine: Engine
    asks: Callable[[Quote], Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One move in an order's life: its name, who may make it, from which stages to which.

    `legs` is the verb that every engine of the order hears.  `check` looks at the data that came
    with the step, and raises `StepRefused`.  One that `may_be_told_later` is taken at its own
    time, though the city hears of it when the phone has a line again.
    """

    name: str
    by: frozenset[Kind]
    sources: frozenset[str]
    stage: str
    state: Order.State
    legs: Verb | None = None
    check: Callable[[Order, Data, datetime], None] | None = None
    may_be_told_later: bool = False


def _at_once(order: Order) -> str:
    return "authorise"


def _nothing(order: Order, step: Step, data: Data, by: Actor, at: datetime) -> None:
    """The vertical has nothing of its own to write."""


def _unmoved(order: Order, step: Step, code: str) -> None:
    """The vertical does not count refused steps."""


def _unchanged(order: Order, by: Actor, at: datetime) -> None:
    """The vertical has nothing of its own to change."""


@dataclass(frozen=True, kw_only=True)
class Vertical:
    """A kind of service, whole.

    Every leg is held when the order is placed; the steps say when it is confirmed and released.
    Money takes its two steps, `authorise` and `refuse`, in every vertical alike, from the stage
    `paying`, in which every order begins.  What need not begin at once names another step than
    `authorise` in `goes_on`.  In the stages `changeable` a new quote may take the place of the one
    in force; `changed` then writes what is the vertical's own.
    """

    slug: str
    title: str | Promise
    legs: tuple[Leg, ...]
    case: Callable[[Quote, datetime], Case]
    held_until: Callable[[Quote, datetime], datetime]
    authorised: str
    steps: tuple[Step, ...]
    charge: Callable[[Order, Step, datetime], Sequence[Line]]
    placed: Callable[[Order], None]
    live: Callable[[Order, datetime], dict[str, Any]]
    page: str
    stages: Mapping[str, str | Promise]
    goes_on: Callable[[Order], str] = _at_once
    stepped: Callable[[Order, Step, Data, Actor, datetime], None] = _nothing
    refused: Callable[[Order, Step, str], None] = _unmoved
    changeable: frozenset[str] = frozenset()
    changed: Callable[[Order, Actor, datetime], None] = _unchanged
    summary: Callable[[Order], str] = str
    receipt: str = ""
    trail: str = ""
    by_name: dict[str, Step] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for step in (*self._money(), *self.steps):
            self.by_name[step.name] = step

    def step(self, name: str) -> Step:
        """Raises `OutOfTurn` for a word that this vertical does not know."""
        try:
            return self.by_name[name]
        except KeyError:
            raise OutOfTurn(f"{self.slug} has no step {name!r}") from None

    def open_to(self, kind: Kind, stage: str) -> list[str]:
        """The steps that somebody in this part may take now."""
        return [s.name for s in self.by_name.values() if kind in s.by and stage in s.sources]

    def _money(self) -> tuple[Step, Step]:
        system, paying = frozenset({Kind.SYSTEM}), frozenset({PAYING})
        return (
            Step(
                name="authorise",
                by=system,
                sources=paying,
                stage=self.authorised,
                state=Order.State.AUTHORISED,
                legs="confirm",
            ),
            Step(
                name="refuse",
                by=system,
                sources=paying,
                stage="refused",
                state=Order.State.CANCELLED,
                legs="release",
            ),
        )


PAYING = "paying"

_registry: dict[str, Vertical] = {}


def register(vertical: Vertical) -> None:
    _registry[vertical.slug] = vertical


def get(slug: str) -> Vertical:
    return _registry[slug]


def every() -> list[Vertical]:
    """All kinds of service of this platform, in the order in which they were installed."""
    return list(_registry.values())
