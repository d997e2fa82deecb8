"""What the city acknowledged, ride by ride, and the sum of it."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

LIVE = frozenset({"PLACED", "AUTHORISED", "CONFIRMED", "STARTED"})


@dataclass
class Record:
    """One order as its people were told of it.  Moments are seconds since 1970, by our clock.

    `seen` is every new stage in the order in which the rider heard of it, `told_driver` the same
    for the driver: what stands there was acknowledged, and the city may not forget it.
    """

    ref: str
    key: str
    rider: str
    placed_at: float
    total_minor: int
    state: str = "PLACED"
    stage: str = ""
    charged_minor: int | None = None
    seen: list[tuple[str, float]] = field(default_factory=list)
    told_driver: list[tuple[str, float]] = field(default_factory=list)
    is_from_before: bool = False

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    def hear(self, told: dict[str, Any]) -> None:
        """Note what the city says of the order now."""
        if told["stage"] != self.stage:
            self.seen.append((told["stage"], time.time()))
        self.state, self.stage = told["state"], told["stage"]
        self.charged_minor = told.get("charged_minor")

    @property
    def waited(self) -> float | None:
        """How long the rider waited from the order to the car at the door."""
        here = next((at for stage, at in self.seen if stage == "at_pickup"), None)
        return here - self.placed_at if here is not None else None


@dataclass
class Tally:
    """Counts of what happens beside the orders."""

    answers: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Summary:
    """A run in figures.  `orders` counts by the last stage that was told."""

    placed: int
    resumed: int
    ended: int
    orders: dict[str, int]
    mean_wait_seconds: float | None
    accepted: int
    declined: int
    let_lapse: int
    gave_back: int
    called_off: int
    changed_mind: int
    rated: int
    reconnects: int
    errors: dict[str, int]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def summary(records: list[Record], tally: Tally, seconds: float) -> Summary:
    waits = [wait for one in records if not one.is_from_before and (wait := one.waited)]
    answers = tally.answers
    return Summary(
        placed=sum(not one.is_from_before for one in records),
        resumed=sum(one.is_from_before for one in records),
        ended=sum(not one.is_live for one in records),
        orders=dict(Counter(one.stage for one in records)),
        mean_wait_seconds=round(sum(waits) / len(waits), 1) if waits else None,
        accepted=answers["accepted"],
        declined=answers["declined"],
        let_lapse=answers["let_lapse"],
        gave_back=answers["gave_back"],
        called_off=answers["called_off"],
        changed_mind=answers["changed_mind"],
        rated=answers["rated"],
        reconnects=answers["reconnects"],
        errors=dict(tally.errors.most_common()),
        seconds=round(seconds, 1),
    )
