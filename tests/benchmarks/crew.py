"""Processes that do the same thing side by side for as long as they are told."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection


@contextmanager
def crew(member: Callable[[Connection], None], count: int) -> Iterator[list[Connection]]:
    """So many processes, each at the other end of a line; `member` ends in `serve`."""
    context = get_context("spawn")
    lines, processes = [], []
    for _ in range(count):
        ours, theirs = context.Pipe()
        process = context.Process(target=member, args=[theirs], daemon=True)
        process.start()
        lines.append(ours)
        processes.append(process)
    try:
        yield lines
    finally:
        for process in processes:
            process.kill()


def serve(line: Connection, prepare: Callable[[int], Callable[[int], object]]) -> None:
    """Be told how many seconds, prepare for them, and say how often it was done in them.

    What `prepare` returns is called over and over, with how often it was called before.
    """
    while True:
        seconds = line.recv()
        do = prepare(seconds)
        line.send("ready")
        line.recv()
        end, done = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            do(done)
            done += 1
        line.send(done)


def rate(lines: list[Connection], seconds: int) -> float:
    """How often a second all of them together did it, who began at once."""
    for line in lines:
        line.send(seconds)
    for line in lines:
        line.recv()
    for line in lines:
        line.send("go")
    return sum(line.recv() for line in lines) / seconds
