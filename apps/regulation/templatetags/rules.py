"""What pages say of rules and cases: {{ line.label|rule_links }}, {{ case|about }}."""

from django import template
from django.utils.safestring import SafeString

from apps.regulation import refusals
from apps.regulation.models import CaseFile
from apps.regulation.queries_cases import title_of

register = template.Library()


@register.filter
def rule_links(text: object) -> SafeString:
    """A text in which every policy that is named leads to its page."""
    return refusals.with_links(text)


@register.filter
def about(case: CaseFile) -> str:
    """What a case is about, in the reader's language."""
    return title_of(case)
