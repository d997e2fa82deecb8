"""Where the gateway tells the city what happened: signed, kept as it came, and only then heeded."""

import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from apps.kernel import clock
from apps.kernel.problems import MEDIA_TYPE, Problem
from apps.payments import inbox, operations, tasks

HEARD = Counter(
    "city_gateway_events_total", "What came to the gateway's door, and what became of it", ["how"]
)
PROBLEMS = {
    "too_large": Problem(413, "too_large", _("This is larger than any event.")),
    "no_secret": Problem(503, "no_secret", _("This city has no secret to know the gateway by.")),
    "wrong_mode": Problem(400, "wrong_mode", _("This is about the other kind of money.")),
    "unreadable": Problem(400, "unreadable", _("This is not an event.")),
    "stale": Problem(400, "stale", _("This was signed too long ago.")),
}
NOT_SIGNED = Problem(400, "not_signed", _("This is not signed by the gateway."))

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def hear(request: HttpRequest) -> HttpResponse:
    """Take one event.  Nothing is stored of what nobody signed; 200 means that it is stored."""
    keys = inbox.secrets(settings.STRIPE_WEBHOOK_SECRET)
    if not keys:
        # 503 rather than 404: the gateway comes again for days, and by then there may be one.
        return _refuse("no_secret")
    body = _body(request)
    if body is None:
        return _refuse("too_large")
    signature = request.headers.get("Stripe-Signature", "")
    try:
        letter = inbox.opened(body, signature, keys, live=settings.MODE == "production")
    except inbox.Refused as refused:
        return _refuse(str(refused))
    kept = operations.keep(
        letter=letter, by=tasks.PAYMENTS, at=clock.now(), then=tasks.start_heeding
    )
    how = "again" if kept is None else "heeded" if letter.concerns_us else "kept"
    HEARD.labels(how).inc()
    return JsonResponse({"received": True})


def _body(request: HttpRequest) -> bytes | None:
    """The exact bytes, or None when they are too many, whatever the sender says of their number."""
    told = request.META.get("CONTENT_LENGTH") or "0"
    if not told.isdigit() or int(told) > inbox.LARGEST:
        return None
    body = request.read(inbox.LARGEST + 1)
    return bytes(body) if len(body) <= inbox.LARGEST else None


def _refuse(how: str) -> HttpResponse:
    HEARD.labels(how).inc()
    logger.warning("the gateway's door stayed shut: %s", how)
    problem = PROBLEMS.get(how, NOT_SIGNED)
    told = {
        "type": "about:blank",
        "title": str(problem.title),
        "status": problem.status,
        "code": problem.code,
    }
    return JsonResponse(told, status=problem.status, content_type=MEDIA_TYPE)
