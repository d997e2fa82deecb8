from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import Facts, FactsInline
from apps.listings import operations
from apps.listings.models import Listing
from apps.parties.admin import ProviderAdmin


class ListingInline(FactsInline):
    model = Listing
    fields = ("title", "vertical", "kind", "city", "state")
    tab = True


# A provider's page shows what it offers; the provider itself knows nothing of listings.
ProviderAdmin.inlines = (*ProviderAdmin.inlines, ListingInline)


@admin.register(Listing)
class ListingAdmin(Facts):
    """What is on offer, and may be taken off the shelf."""

    list_display = ("title", "provider", "vertical", "kind", "city", "state")
    list_filter = ("state", "vertical", "city")
    list_select_related = ("provider", "city")
    search_fields = ("title", "provider__name", "=ref")
    ordering = ("city", "vertical", "position", "pk")
    actions = ("put_on_offer", "pause")

    def has_offer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("listings.change_listing")

    @admin.action(description=_("Put on offer"), permissions=["offer"])
    def put_on_offer(self, request: HttpRequest, listings: QuerySet[Listing]) -> None:
        for listing in listings:
            operations.put_on_offer(listing_id=listing.pk, by=_officer(request), at=clock.now())
        said = ngettext("%d listing is on offer.", "%d listings are on offer.", len(listings))
        self.message_user(request, said % len(listings), messages.SUCCESS)

    @admin.action(description=_("Pause"), permissions=["offer"])
    def pause(self, request: HttpRequest, listings: QuerySet[Listing]) -> None:
        for listing in listings:
            operations.pause(listing_id=listing.pk, by=_officer(request), at=clock.now())
        said = ngettext("%d listing is paused.", "%d listings are paused.", len(listings))
        self.message_user(request, said % len(listings), messages.SUCCESS)


def _officer(request: HttpRequest) -> Actor:
    return Actor(Kind.OFFICER, str(request.user.pk))
