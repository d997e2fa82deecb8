"""A refusal as a page says it: why, the rule as a link to its words, and the way to appeal."""

import re

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from apps.parties.models import User
from apps.regulation.operations import NotPermitted
from apps.regulation.queries import explain

# As people quote a version, and as price lines and refusals name it: P-7/2, or P-7 for the policy.
NUMBER = re.compile(r"\bP-(\d{1,6})(?:/(\d{1,4}))?\b")


def with_links(text: object) -> SafeString:
    """A text in which every policy that is named leads to its page; HTML stays as it is."""
    if isinstance(text, SafeString):
        return text
    return mark_safe(NUMBER.sub(_link, str(escape(str(text)))))


def _link(found: re.Match[str]) -> str:
    page = reverse("regulation:rule", args=[f"P-{found[1]}"])
    return f'<a href="{page}{f"#v{found[2]}" if found[2] else ""}">{found[0]}</a>'


def refusal(no: NotPermitted, user: User | AnonymousUser) -> SafeString:
    """Why the city said no, and the way to appeal, for whoever is known to have been refused."""
    said = with_links(explain(str(no)))
    if no.decision is None or not user.is_authenticated:
        return said
    page = reverse("regulation:appeal", args=[no.decision])
    return format_html('{} <a href="{}">{}</a>', said, page, _("Appeal"))
