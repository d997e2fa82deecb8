from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RegulationConfig(AppConfig):
    name = "apps.regulation"
    verbose_name = _("regulation")

    def ready(self) -> None:
        from apps.regulation import seals

        seals.register()
