"""The whole platform rings at a locked phone: matcher, relay, ringer, and a push server."""

import shutil
from collections.abc import Iterator

import pytest

from cityplatform.installation import ROOT
from cityplatform.running import Platform
from tests.journeys.riding import City
from tests.notifications.receiver import PushServer

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def test_city() -> Iterator[City]:
    """A platform of its own: only one that is a test calls a push server on this machine."""
    folder = ROOT / ".data" / "test" / "locked-phone"
    shutil.rmtree(folder, ignore_errors=True)
    with Platform(folder) as platform:
        yield City(platform)
    shutil.rmtree(folder, ignore_errors=True)


def test_an_offer_rings_while_it_stands_and_the_rider_hears_of_the_yes(test_city: City) -> None:
    city = test_city
    with PushServer() as server:
        phones = {who: server.browser() for who in ("marco", "camila")}
        for who, phone in phones.items():
            city.api(who, "POST", "devices", {**phone.subscription, "name": "Phone"})
        city.on_line("marco")
        ref = city.place("camila")

        def offered() -> bool:
            city.seen("marco")
            return bool(phones["marco"].heard)

        city.until(offered)
        ring = phones["marco"].heard[0]
        assert (ring.urgency, ring.said["url"]) == ("high", "/drive/")
        assert 0 < ring.ttl <= 15
        city.accept("marco", ref)
        city.until(lambda: phones["camila"].heard)

        told = phones["camila"].heard[0]
        assert told.urgency == "high"
        waits = city.rows(
            "SELECT extract(epoch FROM sending.ended_at - offer.offered_at)::float"
            " FROM notifications_sending sending"
            " JOIN notifications_notice notice ON notice.id = sending.notice_id"
            " JOIN dispatch_offer offer ON notice.about = 'offer:' || offer.id"
            " WHERE sending.state = 'SENT' ORDER BY sending.id"
        )
        print("seconds from the offer to the push server:", [round(one, 3) for (one,) in waits])
        assert waits[0][0] < 15
        assert all(not phone.refused for phone in phones.values())
