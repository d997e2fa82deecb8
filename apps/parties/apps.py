from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PartiesConfig(AppConfig):
    name = "apps.parties"
    verbose_name = _("parties")

    def ready(self) -> None:
        post_migrate.connect(_write_roles, dispatch_uid="parties.write_roles")


def _write_roles(app_config: AppConfig, **_rest: Any) -> None:
    """Write down what the roles may do, once every app's permissions are there."""
    told = [one for one in apps.get_app_configs() if one.models_module is not None]
    if app_config is not told[-1]:
        return
    from apps.parties import operations

    operations.write_roles()
