from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.utils.translation import gettext_lazy as _


class InspectionConfig(AppConfig):
    name = "apps.inspection"
    verbose_name = _("inspections")

    def ready(self) -> None:
        from apps.audit import office
        from apps.inspection import desk

        # Django's own news of who signs out: no app hears it from another.
        user_logged_out.connect(desk.signed_out, dispatch_uid="inspection.signed_out")
        office.known_by(desk.purpose)
