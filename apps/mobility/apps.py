from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MobilityConfig(AppConfig):
    name = "apps.mobility"
    verbose_name = _("rides")

    def ready(self) -> None:
        from apps.mobility.vertical import RIDE
        from apps.orders import verticals

        verticals.register(RIDE)
