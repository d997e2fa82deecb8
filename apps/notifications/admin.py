from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.kernel.office import Facts, FactsInline
from apps.notifications import operations
from apps.notifications.models import Device, Notice, Sending
from apps.parties.authentication import asking


class SendingInline(FactsInline):
    model = Sending


@admin.register(Notice)
class NoticeAdmin(Facts):
    list_display = ("created_at", "kind", "about", "user", "read_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("about", "user__email", "user__name")
    ordering = ("-pk",)
    inlines = (SendingInline,)


@admin.register(Device)
class DeviceAdmin(Facts):
    list_display = ("user", "name", "added_at", "reached_at", "removed_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    # Whoever knows these could ring the device.
    exclude = ("endpoint", "p256dh", "auth")
    ordering = ("-pk",)


@admin.register(Sending)
class SendingAdmin(Facts):
    list_display = ("notice", "channel", "device", "state", "due_at", "tries", "error")
    list_filter = ("state", "channel")
    list_select_related = ("notice", "device")
    ordering = ("-pk",)
    actions = ("send_again",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return asking(request).has_perm("notifications.retry_sending")

    @admin.action(description=_("Send once more"), permissions=["retry"])
    def send_again(self, request: HttpRequest, sendings: QuerySet[Sending]) -> None:
        by = asking(request).acting(Kind.OFFICER)
        for sending in sendings:
            operations.send_again(sending_id=sending.pk, by=by, at=clock.now())
        count = len(sendings)
        told = ngettext("Done for %d row.", "Done for %d rows.", count) % count
        self.message_user(request, told, messages.SUCCESS)
