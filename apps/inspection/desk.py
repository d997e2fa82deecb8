"""What every request of an officer asks: is an inspection under way, and what follows from it."""

from collections.abc import Set
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from apps.audit.office import Purpose
from apps.inspection import operations, queries
from apps.inspection.models import Inspection
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties.models import User

# Where the answer for this one request is kept.
ASKED = "_inspection_under_way"


def current(request: HttpRequest) -> Inspection | None:
    """The inspection that whoever asks has under way by the clock; found once in a request."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.is_staff:
        return None
    if not hasattr(request, ASKED):
        setattr(request, ASKED, operations.under_way(officer_id=user.pk, at=clock.now()))
    found: Inspection | None = getattr(request, ASKED)
    return found


def purpose(request: HttpRequest, people: Set[int], at: datetime) -> Purpose | None:
    """The purpose of the inspection of one of these people, if one is under way."""
    found = current(request)
    if found is None:
        return None
    of = frozenset(queries.to_tell(found))
    return Purpose(found.why, found.ref, of) if of & people else None


def signed_out(*, user: User | None, **_rest: Any) -> None:
    """Whoever signs out ends what they have under way."""
    if user is None or not user.is_staff:
        return
    operations.end_of(
        officer_id=user.pk,
        ending=Inspection.Ending.SIGNED_OUT,
        by=user.acting(Kind.OFFICER),
        at=clock.now(),
    )
