from uuid import UUID

import pytest

from apps.bus.models import Event
from apps.listings import operations as listings
from apps.listings.models import Listing
from tests.factories import HOST, NOON, CityFactory, ProviderFactory


def draft(**changes):
    return listings.draft(
        **{
            "provider_id": ProviderFactory().pk,
            "city_id": CityFactory().pk,
            "vertical": "mobility",
            "kind": "large",
            "title": "Large",
            "by": HOST,
            "at": NOON,
        }
        | changes
    )


def on_offer(listing):
    return Listing.objects.on_offer(vertical="mobility", city=listing.city).contains(listing)


def topics():
    return list(Event.objects.order_by("pk").values_list("topic", flat=True))


@pytest.mark.django_db
class TestListing:
    def test_the_same_draft_twice_is_one_listing(self):
        first = draft(ref=UUID(int=7))

        assert draft(ref=UUID(int=7), title="Another") == first
        assert Listing.objects.get().title == "Large"
        assert topics() == ["listings.drafted"]

    def test_nobody_sees_a_draft_or_a_paused_listing(self):
        listing = draft()
        seen = [on_offer(listing)]
        for act in (listings.put_on_offer, listings.pause):
            for _ in range(2):
                act(listing_id=listing.pk, by=HOST, at=NOON)
            seen.append(on_offer(listing))

        assert seen == [False, True, False]
        assert topics() == ["listings.drafted", "listings.put_on_offer", "listings.paused"]

    @pytest.mark.parametrize("act", [listings.put_on_offer, listings.pause])
    def test_a_listing_that_is_not(self, act):
        with pytest.raises(listings.NoSuchListing):
            act(listing_id=7, by=HOST, at=NOON)
