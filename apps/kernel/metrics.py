"""What processes measure of themselves, and how one of them tells of all.

A metric is defined beside the code that it measures, with `prometheus_client`.  Where
PROMETHEUS_MULTIPROC_DIR names a folder, every process keeps its samples in files there, so that
the web can tell of the matcher and the worker too; otherwise each knows only its own.
"""

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead


def registry() -> CollectorRegistry:
    """The measurements of all processes of this installation."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder or not Path(folder).is_dir():
        return REGISTRY
    forget_the_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)
    return together


def forget_the_dead(folder: Path) -> None:
    """Take out what only a living process can say, such as its open sockets, of those killed."""
    for file in folder.glob("gauge_live*_*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdigit() and not _is_alive(int(number)):
            with suppress(FileNotFoundError):
                mark_process_dead(int(number), str(folder))


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def samples() -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Every sample by its name and its labels."""
    told: defaultdict[str, dict[frozenset[tuple[str, str]], float]] = defaultdict(dict)
    for family in registry().collect():
        for sample in family.samples:
            told[sample.name][frozenset(sample.labels.items())] = sample.value
    return told
