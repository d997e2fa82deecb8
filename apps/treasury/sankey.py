"""The picture of the flows: widths in proportion to money.  Pure geometry, for an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from apps.kernel.money import Money
from apps.treasury.flows import COLUMNS, LABELS, Flow

WIDTH, HEIGHT, BAR, GAP = 760.0, 400.0, 14.0, 34.0
TOP = 14.0
# Where the bars of each column stand, and on which side of them their words.
LEFTS = (4.0, 330.0, 560.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A place: where it is drawn, and what flows through it."""

    name: str
    label: str | Promise
    amount: Money
    x: float
    y: float
    height: float

    @property
    def text_x(self) -> float:
        return self.x + BAR + 6

    @property
    def text_y(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Ribbon:
    """One flow: the outline of its band."""

    flow: Flow
    path: str
    colour: int


def drawn(flows: Sequence[Flow]) -> tuple[list[Bar], list[Ribbon]]:
    """Bars and ribbons of the flows; nothing when nothing flows."""
    amounts = {
        name: max(
            sum(one.amount.minor for one in flows if one.source == name),
            sum(one.amount.minor for one in flows if one.target == name),
        )
        for column in COLUMNS
        for name in column
    }
    most = max(sum(amounts[name] for name in column) for column in COLUMNS)
    if not most:
        return [], []
    currency = flows[0].amount.currency
    shown = [[name for name in column if amounts[name]] for column in COLUMNS]
    scale = (HEIGHT - GAP * (max(map(len, shown)) - 1) - 2 * TOP) / most
    bars: dict[str, Bar] = {}
    for left, names in zip(LEFTS, shown, strict=True):
        y = TOP
        for name in names:
            height = max(amounts[name] * scale, 1.5)
            money = Money(amounts[name], currency)
            bars[name] = Bar(name, LABELS[name], money, left, round(y, 2), round(height, 2))
            y += height + GAP
    leaving = {name: bar.y for name, bar in bars.items()}
    arriving = dict(leaving)
    ribbons = []
    for flow in _in_order(flows):
        thick = max(flow.amount.minor * scale, 0.75)
        top, bottom = leaving[flow.source], arriving[flow.target]
        leaving[flow.source] += flow.amount.minor * scale
        arriving[flow.target] += flow.amount.minor * scale
        x1, x2 = bars[flow.source].x + BAR, bars[flow.target].x
        middle = (x1 + x2) / 2
        path = (
            f"M{x1:g} {top:.2f}C{middle:g} {top:.2f} {middle:g} {bottom:.2f} {x2:g} {bottom:.2f}"
            f"V{bottom + thick:.2f}C{middle:g} {bottom + thick:.2f} {middle:g} {top + thick:.2f}"
            f" {x1:g} {top + thick:.2f}Z"
        )
        share = flow.target if flow.target in COLUMNS[1] else flow.source
        ribbons.append(Ribbon(flow, path, COLUMNS[1].index(share) + 1))
    return list(bars.values()), ribbons


def _in_order(flows: Sequence[Flow]) -> list[Flow]:
    """From top to bottom on both sides, so that bands cross as little as they can."""
    order = {name: n for column in COLUMNS for n, name in enumerate(column)}
    return sorted(flows, key=lambda one: (order[one.source], order[one.target]))
