from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "apps.notifications"
    verbose_name = _("news for people")

    def ready(self) -> None:
        # An app says in a module `notices` what kinds of news it has for people.
        autodiscover_modules("notices")
