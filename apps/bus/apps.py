from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class BusConfig(AppConfig):
    name = "apps.bus"
    verbose_name = _("bus")

    def ready(self) -> None:
        autodiscover_modules("subscribers")
