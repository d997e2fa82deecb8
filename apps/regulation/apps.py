from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RegulationConfig(AppConfig):
    name = "apps.regulation"
    verbose_name = _("regulation")

    def ready(self) -> None:
        from apps.places import uses
        from apps.regulation import rulebook, seals

        seals.register()
        uses.register(rulebook.needs)
