"""The phones that people let us ring."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.notifications import addresses
from apps.notifications.models import Device, DeviceQuerySet

# A person has a few devices; a program that adds more is a mistake.
MOST = 20


class NotADevice(Exception):
    """What was sent is no subscription of a browser that we could ring."""


class NoSuchDevice(Exception):
    """There is no such device, or it is somebody else's."""


@transaction.atomic
def add_device(
    *,
    user_id: int,
    endpoint: str,
    p256dh: str,
    auth: str,
    name: str,
    by: Actor,
    at: datetime,
) -> Device:
    """Ring this browser from now on, for this person and for nobody who used it before them.

    Adding it twice is harmless.  Raises `NotADevice`.
    """
    if not addresses.may_be_push_server(endpoint) or not _are_keys(p256dh, auth):
        raise NotADevice
    same = Device.objects.kept().filter(endpoint=endpoint).select_for_update(no_key=True)
    if known := same.first():
        if (known.user_id, known.p256dh, known.auth) == (user_id, p256dh, auth):
            return known
        _remove(same.order_by(), by, at)
    mine = Device.objects.kept().filter(user=user_id)
    for old in mine.order_by("-added_at", "-pk")[MOST - 1 :]:
        _remove(Device.objects.filter(pk=old.pk), by, at)
    device = Device.objects.create(
        user_id=user_id,
        endpoint=endpoint,
        p256dh=p256dh,
        auth=auth,
        name=name[:100],
        added_at=at,
    )
    bus.publish("notifications.device_added", by=by, at=at, device=device.pk, user=user_id)
    return device


@transaction.atomic
def remove_device(*, user_id: int, ref: UUID, by: Actor, at: datetime) -> None:
    """Ring a device no more.  Twice is harmless.  Raises `NoSuchDevice`."""
    mine = Device.objects.filter(user=user_id, ref=ref)
    if not mine.exists():
        raise NoSuchDevice
    _remove(mine, by, at)


@transaction.atomic
def drop_device(*, device_id: int, by: Actor, at: datetime) -> None:
    """Its push server says that it is gone for good.  Twice is harmless."""
    _remove(Device.objects.filter(pk=device_id), by, at)


def _remove(devices: DeviceQuerySet, by: Actor, at: datetime) -> None:
    for device_id, user_id in devices.kept().values_list("pk", "user_id"):
        wiped = {"endpoint": "", "p256dh": "", "auth": "", "removed_at": at}
        if Device.objects.kept().filter(pk=device_id).update(**wiped):
            told = {"device": device_id, "user": user_id}
            bus.publish("notifications.device_removed", by=by, at=at, **told)


def _are_keys(p256dh: str, auth: str) -> bool:
    """A point on the curve P-256 and sixteen bytes, both in URL-safe base 64."""
    try:
        point, secret = (
            base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True)
            for key in (p256dh, auth)
        )
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, binascii.Error):
        return False
    return len(point) == 65 and len(secret) == 16
