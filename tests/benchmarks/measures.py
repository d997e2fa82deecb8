"""How a figure is taken and written down.

A measure is taken in turns with its reference, so that a machine that slows down slows both;
what is printed are the medians, and the median of the ratios pair by pair.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")


def options(about: str | None) -> argparse.Namespace:
    """Read the words behind a benchmark's name."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--json", action="store_true", help="one JSON object a line (the default)")
    parser.add_argument("--quick", action="store_true", help="a smaller run; goals are not for it")
    return parser.parse_args()


def tell(text: str) -> None:
    """Say how far it has come, beside the figures."""
    print(text, file=sys.stderr, flush=True)


def say(
    measure: str,
    ours: float | None,
    *,
    unit: str,
    reference: float | None = None,
    ratio: float | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Print one figure.  `ours` is None for what cannot be taken, and `note` says why."""
    row = {
        "measure": measure,
        "ours": _short(ours),
        "reference": _short(reference),
        "ratio": _short(ratio),
        "unit": unit,
        "note": note,
    }
    print(json.dumps(row), flush=True)
    return row


def _short(figure: float | None) -> float | None:
    return None if figure is None else float(f"{figure:.4g}")


@dataclass(frozen=True)
class Pairs:
    """Figures of both sides, taken by turns."""

    ours: Sequence[float]
    reference: Sequence[float]

    def say(self, measure: str, *, unit: str, note: str = "") -> dict[str, Any]:
        """Print the medians, and the median of the ratios."""
        ratios = [one / other for one, other in zip(self.ours, self.reference, strict=True)]
        return say(
            measure,
            median(self.ours),
            unit=unit,
            reference=median(self.reference),
            ratio=median(ratios),
            note=note,
        )


def by_turns(
    ours: Callable[[], float], reference: Callable[[], float], *, times: int, what: str
) -> Pairs:
    """Take both figures so many times, in turn, after one of each that does not count."""
    ours(), reference()
    found = []
    for turn in range(times):
        found.append((ours(), reference()))
        tell(f"{what}, {turn + 1} of {times}: {found[-1][0]:.4g} to {found[-1][1]:.4g}")
    return Pairs(*zip(*found, strict=True))


def percentile(figures: Sequence[float], share: float) -> float:
    """The figure below which this share of all lies (nearest rank)."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_of(*processes: int) -> float:
    """CPU seconds that processes and all their children, the ended ones too, have used."""
    parents = _parents()
    family = set(processes)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(_used(pid) for pid in family)


def _parents() -> dict[int, int]:
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            fields = _stat(int(name))
            if fields:
                found[int(name)] = int(fields[1])
    return found


def _used(pid: int) -> float:
    # utime, stime, and both of the children that have been waited for.
    return sum(int(ticks) for ticks in _stat(pid)[11:15]) / TICK


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on, empty when it has just ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
