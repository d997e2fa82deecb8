"""The worker's side of the house.  Tasks live in the apps, their queues and times in settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityplatform.settings")

app = Celery("cityplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
