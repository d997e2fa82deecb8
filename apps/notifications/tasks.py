"""The only place from which news leaves the house, holding nothing while it waits."""

import base64
import hashlib
import logging
from typing import Any

from celery import shared_task
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import override
from kombu.exceptions import OperationalError

from apps.kernel import clock
from apps.kernel.actors import Actor
from apps.notifications import kinds, operations, push, words
from apps.notifications.models import Notice, Sending

NEWS = Actor.system("notifications")
MOST_AT_ONCE = 1_000
# What begins to wait as soon as it is told is started at once; the sweep takes what is left over.
SWEEP_AFTER = 10

logger = logging.getLogger(__name__)


def start(*, sending_id: int, is_urgent: bool, wait: int = 0) -> None:
    """Hand a sending to the workers.  With the broker down the next sweep finds it."""
    try:
        send.apply_async(
            kwargs={"sending_id": sending_id},
            queue="ring" if is_urgent else "news",
            countdown=wait,
            retry=False,
        )
    except OperationalError:
        logger.warning("no broker: sending %s waits for the sweep", sending_id)


@shared_task
def send_due(**_: Any) -> None:
    """Fan out what is due and nobody has sent: after quiet hours, a crash, a push server's no."""
    due = Sending.objects.due(clock.now()).order_by("due_at")
    for sending_id, kind in due.values_list("pk", "notice__kind")[:MOST_AT_ONCE]:
        start(sending_id=sending_id, is_urgent=_is_urgent(kind))


@shared_task
def forget_old(**_: Any) -> None:
    """Forget what nobody needs to be told any more."""
    operations.forget_old(at=clock.now())


@shared_task
def send(*, sending_id: int, **_: Any) -> None:
    """Send one notice one way; then note how it went."""
    sending = operations.claim(sending_id=sending_id, at=clock.now())
    if sending is None:
        return
    try:
        _push(sending) if sending.device else _mail(sending)
    except push.Gone:
        operations.note_gone(sending_id=sending_id, by=NEWS, at=clock.now())
    except push.Refused as no:
        logger.error("%s was refused: %s", sending, no)
        operations.give_up(sending_id=sending_id, error=str(no), by=NEWS, at=clock.now())
    except (push.NotNow, OSError) as error:
        # Every complaint of the mail library is an OSError, too.
        logger.warning("%s waits: %s", sending, error)
        said = f"{type(error).__name__}: {error}"
        wait = operations.put_off(sending_id=sending_id, error=said, at=clock.now())
        # What waits for longer than the broker remembers is the sweep's.
        if wait is not None and wait <= 60:
            urgent = _is_urgent(sending.notice.kind)
            start(sending_id=sending_id, is_urgent=urgent, wait=wait)
    else:
        operations.note_sent(sending_id=sending_id, at=clock.now())


def _push(sending: Sending) -> None:
    notice, device, at = sending.notice, sending.device, clock.now()
    assert device is not None
    said = words.said(notice, language=notice.user.language, now=at)
    message = {
        "title": said.title,
        "body": said.text[:500],
        "url": page_of(notice),
        "tag": topic_of(notice),
        "lang": notice.user.language,
        "expires_at": notice.expires_at.isoformat() if said.over else "",
        "over": said.over,
    }
    push.post(
        push.Address(device.endpoint, device.p256dh, device.auth),
        message,
        ttl=max(0, int((notice.expires_at - at).total_seconds())),
        is_urgent=_is_urgent(notice.kind),
        topic=message["tag"],
        at=at,
    )


def _mail(sending: Sending) -> None:
    notice, language = sending.notice, sending.notice.user.language
    said = words.said(notice, language=language, now=clock.now())
    told = {
        "said": said,
        "user": notice.user,
        "url": settings.PUBLIC_URL + page_of(notice),
        "choices": settings.PUBLIC_URL + reverse("notices:choices"),
    }
    with override(language):
        text = render_to_string("notifications/mail.txt", told)
    # The same mail sent twice after a crash has the same number, and most readers show it once.
    number = f"<{notice.ref}@{settings.DEFAULT_FROM_EMAIL.partition('@')[2].rstrip('>')}>"
    mail = EmailMessage(said.title, text, to=[notice.user.email], headers={"Message-ID": number})
    mail.send()


def page_of(notice: Notice) -> str:
    """Where a notice leads: past the mark that it was read, unless no list keeps it."""
    return reverse("notices:open", args=[notice.ref]) if notice.is_kept else notice.link


def topic_of(notice: Notice) -> str:
    """What replaces what on a phone: at most 32 signs, and nothing about what it is about."""
    digest = hashlib.sha256(f"{notice.kind}:{notice.about}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def _is_urgent(slug: str) -> bool:
    try:
        return kinds.get(slug).is_urgent
    except kinds.NoSuchKind:
        return False
