"""Addresses below /api/v1/."""

from django.urls import path

from apps.notifications import api

urlpatterns = [
    path("notices", api.Notices.as_view(), name="api-notices"),
    path("notices/unread", api.Unread.as_view(), name="api-notices-unread"),
    path("devices", api.Devices.as_view(), name="api-devices"),
    path("devices/key", api.PushKey.as_view(), name="api-push-key"),
    path("devices/<uuid:ref>", api.OneDevice.as_view(), name="api-device"),
]
