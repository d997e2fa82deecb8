"""Phones hear that something has changed; nobody depends on it."""

import logging
from contextlib import suppress

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction

from apps.bus import lines
from apps.bus import operations as bus
from apps.bus.models import Delivery
from apps.dispatch import live
from apps.dispatch import operations as dispatch
from apps.kernel import clock
from tests.dispatch.scenes import on_line, search
from tests.factories import CITY, DRIVER

pytestmark = pytest.mark.django_db(transaction=True)


def relay_all():
    while bus.relay(at=clock.now()):
        pass


async def test_a_driver_is_rung_when_a_job_is_shown_and_when_it_is_taken_back():
    worker = await database_sync_to_async(on_line)()
    await database_sync_to_async(relay_all)()
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(live.line_of(worker.pk), channel)

    def ring():
        job = search(at=clock.now())
        dispatch.offer(
            job_id=job.pk,
            worker_id=worker.pk,
            eta_seconds=60,
            eta_metres=400,
            by=CITY,
            at=clock.now(),
        )
        relay_all()
        return job

    job = await database_sync_to_async(ring)()
    assert (await layer.receive(channel))["type"] == "changed"

    def call_off():
        at = clock.now()
        dispatch.release(holder=job.holder, by=CITY, at=at)
        relay_all()
        return at

    at = await database_sync_to_async(call_off)()
    # By whom and when: who did it themself knows it already.
    told = {"type": "changed", "by": str(CITY), "at": at.isoformat()}
    assert await layer.receive(channel) == told


async def test_what_is_rung_twice_in_one_transaction_rings_once():
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("somebody", channel)

    @database_sync_to_async
    def ring():
        with transaction.atomic():
            with suppress(ZeroDivisionError), transaction.atomic():
                lines.ring("somebody", type="undone")
                raise ZeroDivisionError
            for kind in ("undone", "changed", "changed", "last"):
                lines.ring("somebody", type=kind)

    await ring()

    heard = [(await layer.receive(channel))["type"] for _ in range(3)]
    assert heard == ["undone", "changed", "last"]


def test_a_channel_layer_that_is_down_is_told_once_and_keeps_no_news_back(settings, caplog):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    worker = on_line(at=clock.now())
    for change in (dispatch.pause_shift, dispatch.resume_shift):
        change(worker_id=worker.pk, by=DRIVER, at=clock.now())

    with caplog.at_level(logging.WARNING, "apps.bus.lines"):
        relay_all()

    assert not Delivery.objects.filter(done_at=None).exists()
    told = [record.message for record in caplog.records]
    assert told == ["live lines are down"]
    lines._is_down = False
