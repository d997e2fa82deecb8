"""What people hear when an officer has inspected what the city knows of them."""

from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Kind as Part
from apps.notifications import kinds
from apps.notifications.models import Channel

kinds.register(
    kinds.Kind(
        slug="inspected",
        part=Part.CONSUMER,
        name=_("An officer looked at your data"),
        title=_("An officer of the city looked at your data"),
        text=_("%(officer)s. %(why)s. Pages seen: %(pages)s"),
        icon="search",
        channels=kinds.EVERYWHERE,
        always=frozenset({Channel.SCREEN}),
    ),
)
