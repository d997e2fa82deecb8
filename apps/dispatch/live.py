"""What the phones of a worker listen on."""

from apps.bus import lines


def line_of(worker_id: int) -> str:
    """The name of a worker's line, the group that all their devices listen on."""
    return f"worker-{worker_id}"


def tell(worker_id: int, **news: str) -> None:
    """Tell the worker's devices that something has changed.  What they show they read anew.

    `news` may say by whom and when: the device that did it itself need not look again.
    """
    lines.ring(line_of(worker_id), type="changed", **news)
