"""Races with real threads, and what it takes to see whether a constraint held."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event

from django.db import connection

# A race that hangs fails, rather than waits for ever.
LONGEST = 30


def at_once(*calls):
    """Make every call at the same moment.  Return what each gave or raised."""
    together = Barrier(len(calls), timeout=LONGEST)

    def run(call):
        together.wait()
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def eventually(condition):
    """Wait until something that another thread or process does has come to pass."""
    nobody = Event()
    for _ in range(LONGEST * 50):
        if condition():
            return
        nobody.wait(0.02)
    raise AssertionError("it did not come to pass")


@contextmanager
def without(model, name):
    """Take a constraint away; put it back when what broke it is gone."""
    constraint = next(c for c in model._meta.constraints if c.name == name)
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        model.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(model, constraint)
