import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.dispatch.matcher import match_until
from apps.dispatch.positions import Positions, Receiver
from apps.kernel.garbage import collect_rarely


class Command(BaseCommand):
    help = "Ask workers for the jobs that wait.  Of several for a city one leads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--city", help="the slug of one city (otherwise all)")

    def handle(self, *args: Any, city: str | None, **options: Any) -> None:
        stop = Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, lambda *_: stop.set())
        collect_rarely()
        positions = Positions()
        receiver = Receiver(settings.NATS_URL, positions)
        receiver.start()
        try:
            match_until(stop, slug=city, positions=positions, is_fed=lambda: receiver.is_connected)
        finally:
            receiver.stop()
