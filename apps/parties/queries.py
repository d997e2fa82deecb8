"""Parties, read: who is behind a token, and whom a person may act for."""

import hashlib
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet
from guardian.models import UserObjectPermission
from guardian.shortcuts import get_objects_for_user

from apps.parties.models import ApiToken, Consumer, Provider, User

# How exactly we remember when a token was last used: not a write for every request.
TOLD_EVERY = timedelta(minutes=1)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def user_of_token(secret: str, at: datetime) -> User | None:
    """Return the person for whom a secret speaks at that moment, or None.

    Looked up by digest, so that the time it takes says nothing about the secret.
    """
    alive = Q(expires_at=None) | Q(expires_at__gt=at)
    token = (
        ApiToken.objects.select_related("user")
        .filter(alive, digest=digest_of(secret), revoked_at=None, user__is_active=True)
        .first()
    )
    if token is None:
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=at - TOLD_EVERY)
    if token.last_used_at is None or token.last_used_at < at - TOLD_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=at)
    return token.user


def providers_of(user: User, perm: str) -> QuerySet[Provider]:
    """Return the providers for which a person has `operate_provider` or `see_provider_money`.

    Only what was granted for that very provider: being staff opens nobody's books.
    """
    name = perm if "." in perm else f"parties.{perm}"
    found: QuerySet[Provider] = get_objects_for_user(
        user, name, klass=Provider, accept_global_perms=False, with_superuser=False
    )
    return found


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """Return a person's tokens that were not revoked, the newest first."""
    return ApiToken.objects.filter(user=user, revoked_at=None).order_by("-created_at", "-pk")


def needs_of(user_id: int | None) -> list[str]:
    """What a person has told the city that they need; of somebody unknown, nothing."""
    if user_id is None:
        return []
    return Consumer.objects.filter(user=user_id).values_list("needs", flat=True).first() or []


def granted(user: AbstractBaseUser | AnonymousUser, perm: str) -> set[int]:
    """The numbers of the rows on which a person was granted this; of a power over all, nothing."""
    if not user.is_authenticated or not user.is_active:
        return set()
    app, codename = perm.split(".")
    rows = UserObjectPermission.objects.filter(
        user=user.pk, permission__codename=codename, permission__content_type__app_label=app
    )
    return {int(row) for row in rows.values_list("object_pk", flat=True)}
