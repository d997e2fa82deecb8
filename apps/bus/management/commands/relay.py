import signal
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.bus.relaying import deliver_until
from apps.bus.stream import Streamer
from apps.kernel.garbage import collect_rarely


class Command(BaseCommand):
    help = "Deliver news as it is published, and tell the stream of it.  Any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: stop.set())
        collect_rarely()
        if not settings.NATS_URL:
            self.stdout.write("NATS_URL is unset: news is delivered, and told to no stream")
            deliver_until(stop)
            return
        streamer = Streamer(settings.NATS_URL)
        streamer.start()
        try:
            deliver_until(stop, on_news=streamer.nudge)
        finally:
            streamer.stop()
