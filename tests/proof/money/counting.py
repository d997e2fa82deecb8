"""How many faults were promised, and how many there really were."""

import math
from collections import Counter
from random import Random

# Each injection's part of what was promised: together the whole, or a little more.
SHARES = {"line": 0.55, "crash": 0.15, "night": 0.02, "storm": 0.3}


class Counting:
    def __init__(self, promised: int, seed: int) -> None:
        self.promised, self.seed = promised, seed
        self.injected: Counter[str] = Counter()
        # Races and repetitions: hard on the city, but nothing broke.
        self.beside: Counter[str] = Counter()

    def share(self, name: str) -> int:
        """How many faults that test has to see."""
        return math.ceil(self.promised * SHARES[name])

    def scaled(self, at_a_thousand: int) -> int:
        """So many rounds of something that is no fault in itself, by how long this may take."""
        return max(1, min(at_a_thousand * self.promised // 1000, at_a_thousand * 10))

    def chance(self, name: str) -> Random:
        return Random(f"{self.seed}/{name}")

    def lines(self) -> list[str]:
        total = self.injected.total()
        return [
            f"seed {self.seed}: {total} faults of {self.promised} promised",
            *(f"  {what}: {n}" for what, n in sorted(self.injected.items())),
            *(f"  beside them, {what}: {n}" for what, n in sorted(self.beside.items())),
        ]
