import pytest
from django.urls import reverse

from apps.bus.models import Event
from apps.regulation.models import Permit
from tests.factories import FOR_GOOD, ListingFactory, PermitFactory, ProviderFactory

PERMITS = "admin:regulation_permit_changelist"
ADD = "admin:regulation_permit_add"


def act(client, permit, action, **told):
    answer = client.post(
        reverse(PERMITS), {"action": action, "_selected_action": [permit.pk], **told}
    )
    permit.refresh_from_db()
    return answer


def asked(provider, **changes):
    return {
        "provider": provider.pk,
        "vertical": "mobility",
        "number": "CITY-77",
        "valid_from_0": "2027-01-01",
        "valid_from_1": "00:00:00",
        "valid_until_0": "",
        "valid_until_1": "",
    } | changes


@pytest.mark.django_db
class TestPermits:
    def test_revoking_asks_why_first(self, admin_client):
        permit = PermitFactory()

        page = act(admin_client, permit, "revoke")
        assert page.status_code == 200
        assert permit.revoked_at is None
        assert b'name="reason"' in page.content

        assert act(admin_client, permit, "revoke", because="1", reason=" ").status_code == 200
        assert permit.revoked_at is None

        act(admin_client, permit, "revoke", because="1", reason="no tax paid")
        assert permit.reason == "no tax paid"
        assert Event.objects.get(topic="regulation.permit_revoked").by.startswith("officer:")

        act(admin_client, permit, "restore", because="1", reason="paid")
        assert permit.revoked_at is None

    def test_what_does_not_fit_any_more_is_not_restored(self, admin_client):
        permit = PermitFactory()
        act(admin_client, permit, "revoke", because="1", reason="no tax paid")
        PermitFactory(provider=permit.provider)

        answer = act(admin_client, permit, "restore", because="1", reason="paid")

        assert answer.status_code == 302
        assert permit.revoked_at is not None

    def test_granting_goes_through_the_operation(self, admin_client):
        answer = admin_client.post(reverse(ADD), asked(ProviderFactory()))

        assert answer.status_code == 302
        permit = Permit.objects.get()
        assert (permit.number, permit.valid.upper) == ("CITY-77", None)
        assert Event.objects.get().topic == "regulation.permit_granted"

    @pytest.mark.parametrize(
        "changes",
        [
            {"number": "CITY-1"},
            {"number": ""},
            {"valid_from_0": "soon"},
            {"valid_until_0": "2026-01-01", "valid_until_1": "00:00:00"},
            {"valid_from_0": "2027-06-01"},
        ],
        ids=["number taken", "no number", "no date", "ends before it begins", "overlaps"],
    )
    def test_what_cannot_be_granted_is_said_on_the_form(self, admin_client, changes):
        provider = ProviderFactory()
        PermitFactory(provider=provider, number="CITY-1", valid=FOR_GOOD)

        answer = admin_client.post(reverse(ADD), asked(provider, **changes))

        assert answer.status_code == 200
        assert answer.context["errors"]
        assert Permit.objects.count() == 1

    def test_a_permit_is_not_changed_by_hand_and_every_page_opens(self, admin_client):
        permit = PermitFactory()
        listing = ListingFactory(provider=permit.provider)
        for row in (permit, listing, permit.provider):
            name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
            assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
            page = reverse(f"{name}_change", args=[row.pk])
            assert admin_client.get(page).status_code == 200
            assert admin_client.post(page, {"number": "X"}).status_code == 403
        shown = admin_client.get(page).content.decode()
        assert permit.number in shown
        assert listing.title in shown
        for name in ("decision", "allowance"):
            page = admin_client.get(reverse(f"admin:regulation_{name}_changelist"))
            assert page.status_code == 200
        assert admin_client.get(reverse(ADD)).status_code == 200


@pytest.mark.django_db
def test_an_officer_takes_a_listing_off_the_shelf(admin_client):
    listing = ListingFactory()
    seen = []
    for action in ("pause", "put_on_offer"):
        admin_client.post(
            reverse("admin:listings_listing_changelist"),
            {"action": action, "_selected_action": [listing.pk]},
        )
        listing.refresh_from_db()
        seen.append(listing.state)

    assert seen == ["PAUSED", "LIVE"]
