"""Decisions are sealed: what the city was told and what it said stays what it was."""

from apps.audit import operations as audit
from apps.parties.models import User
from apps.regulation.models import Decision

STREAM = "regulation.decision"
SEALED = (
    "ref",
    "act",
    "city_id",
    "provider_id",
    "vertical",
    "by",
    "facts",
    "asked",
    "taken",
    "refusal",
    "rule",
    "decided_at",
)


def decision_bytes(decision: Decision) -> bytes:
    """A decision as it is sealed.  That it is given back is on record, and not part of it."""
    return audit.canonical(decision, *SEALED)


def is_of_team(decision: Decision, user_id: int) -> bool:
    """A decision is about the provider for whom it was asked, and so about its team."""
    team = User.objects.filter(pk=user_id, memberships__provider=decision.provider_id)
    return team.exists()


def register() -> None:
    audit.register(STREAM, Decision.objects.all(), decision_bytes)
    audit.concern(STREAM, is_of_team)
