"""Keys with which programs act for people."""

import secrets
from datetime import datetime

from django.db import transaction

from apps.bus import operations as bus
from apps.kernel.actors import Actor
from apps.parties import queries
from apps.parties.models import ApiToken
from apps.parties.operations.complaints import NoSuchToken
from apps.parties.operations.people import require_person

TOKEN_PREFIX = "city_"


@transaction.atomic
def issue_token(
    *, user_id: int, name: str, expires_at: datetime | None, by: Actor, at: datetime
) -> tuple[ApiToken, str]:
    """Make a key with which a program may act for a person.  Return it and its secret.

    The secret is shown this once: only its digest is kept.  Raises `NoSuchPerson`.
    """
    require_person(user_id)
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user_id=user_id,
        name=name,
        prefix=secret[:12],
        digest=queries.digest_of(secret),
        created_at=at,
        expires_at=expires_at,
    )
    bus.publish("parties.token_issued", by=by, at=at, token=token.pk, user=user_id)
    return token, secret


@transaction.atomic
def revoke_token(*, token_id: int, user_id: int, by: Actor, at: datetime) -> None:
    """Make a person's token worthless.  Twice is harmless.  Raises `NoSuchToken`."""
    mine = ApiToken.objects.filter(pk=token_id, user=user_id)
    if mine.filter(revoked_at=None).update(revoked_at=at):
        bus.publish("parties.token_revoked", by=by, at=at, token=token_id, user=user_id)
    elif not mine.exists():
        raise NoSuchToken(str(token_id))
