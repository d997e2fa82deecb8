"""Which order the present work is about, for every line that the log keeps of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# The order's reference; empty: no order in particular.
order: ContextVar[str] = ContextVar("order", default="")


@contextmanager
def about(reference: object) -> Iterator[None]:
    """Until its end, every line of the log names this order, if it is one."""
    before = order.set(str(reference or "") or order.get())
    try:
        yield
    finally:
        order.reset(before)
