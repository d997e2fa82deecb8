"""What names a rule leads to it: {{ line.label|rule_links }}."""

from django import template
from django.utils.safestring import SafeString

from apps.regulation import refusals

register = template.Library()


@register.filter
def rule_links(text: object) -> SafeString:
    """A text in which every policy that is named leads to its page."""
    return refusals.with_links(text)
