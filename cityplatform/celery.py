"""The worker's side of the house.  Tasks live in the apps, their queues and times in settings."""

import os

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityplatform.settings")

app = Celery("cityplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def _begin(**_: object) -> None:
    from apps.kernel.garbage import collect_rarely

    collect_rarely()
