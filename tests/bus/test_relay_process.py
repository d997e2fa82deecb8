"""The relay as the city runs it: a process of its own, which may be killed at any moment."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import transaction

from apps.audit.models import Record
from apps.bus import operations as bus
from apps.bus.models import Delivery, Event
from apps.kernel import clock
from tests.factories import ADA
from tests.races import eventually


@contextmanager
def relay(log):
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "relay"],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_ROLE": ""},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def tell(numbers):
    for number in numbers:
        with transaction.atomic():
            bus.publish("tests.unheard_of", by=ADA, at=clock.now(), number=number)


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_nothing_is_lost_and_nothing_is_done_twice(tmp_path):
    log = tmp_path / "relay.log"
    with relay(log) as first:
        tell(range(100))
        eventually(Record.objects.exists)
        tell(range(100, 300))
        first.send_signal(signal.SIGKILL)
        first.wait()
        tell(range(300, 400))
    with relay(log) as second:
        eventually(lambda: not Delivery.objects.filter(done_at=None).exists())
        eventually(lambda: not Event.objects.filter(streamed_at=None).exists())

        second.terminate()
        assert second.wait(60) == 0

    numbers = Record.objects.order_by("event").values_list("body__number", flat=True)
    assert list(numbers) == list(range(400))
    assert "Traceback" not in log.read_text()
