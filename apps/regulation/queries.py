"""Regulation, read: which permit holds, and what a refusal means in words."""

from datetime import datetime

from django.utils.translation import gettext as _

from apps.regulation.models import Permit

# Each refusal has the number of the rule behind it, by which people may ask about it.
RULES = {
    "no_permit": "1.1",
    "permit_not_begun": "1.2",
    "permit_expired": "1.3",
    "permit_revoked": "1.4",
}
CAP = "cap_"
CAP_RULE = "2.1"


def valid_permit(provider_id: int, vertical: str, at: datetime) -> Permit | None:
    """Return the permit under which a provider may offer this at that moment."""
    permits = Permit.objects.filter(provider=provider_id, vertical=vertical, revoked_at=None)
    return permits.filter(valid__contains=at).first()


def refusal_of_permit(provider_id: int, vertical: str, at: datetime) -> str:
    """Return why the provider may not offer this at that moment; empty if they may."""
    permits = Permit.objects.filter(provider=provider_id, vertical=vertical)
    found = list(permits)
    if not found:
        return "no_permit"
    now = [permit for permit in found if at in permit.valid]
    if any(permit.revoked_at is None for permit in now):
        return ""
    if now:
        return "permit_revoked"
    if any(permit.valid.lower and permit.valid.lower > at for permit in found):
        return "permit_not_begun"
    return "permit_expired"


def cap_refusal(fact: str) -> str:
    """The code of a refusal because no more of `fact` is allowed."""
    return f"{CAP}{fact}"


def rule_of(refusal: str) -> str:
    """The number of the rule behind a refusal; empty if nothing was refused."""
    return CAP_RULE if refusal.startswith(CAP) else RULES.get(refusal, "")


def explain(refusal: str) -> str:
    """Say in a sentence why the city refused, with the rule's number; empty if it did not."""
    if not refusal:
        return ""
    sentences = {
        "no_permit": _("The provider has no permit for this service."),
        "permit_not_begun": _("The provider's permit is not valid yet."),
        "permit_expired": _("The provider's permit has expired."),
        "permit_revoked": _("The city has revoked the provider's permit."),
    }
    if refusal.startswith(CAP):
        sentence = _("The city's limit for this is used up.")
    else:
        sentence = sentences.get(refusal, _("The city does not allow this."))
    rule = rule_of(refusal)
    return (
        _("%(sentence)s (rule %(rule)s)") % {"sentence": sentence, "rule": rule}
        if rule
        else sentence
    )
