import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.audit import operations as audit
from apps.audit.models import Record
from apps.bus import operations as bus
from apps.bus.models import Delivery, Event
from tests.factories import ADA, NOON, UserFactory

DELIVERIES = "admin:bus_delivery_changelist"


@pytest.fixture
def given_up():
    bus.publish("tests.unheard_of", by=ADA, at=NOON)
    Delivery.objects.update(failures=12, dead_at=NOON, error="ValueError: why")
    return Delivery.objects.get()


def retry(client, delivery):
    client.post(reverse(DELIVERIES), {"action": "retry", "_selected_action": [delivery.pk]})
    delivery.refresh_from_db()


@pytest.mark.django_db
class TestOffice:
    def test_an_officer_sends_what_was_given_up_once_more(self, admin_client, given_up):
        retry(admin_client, given_up)

        assert (given_up.dead_at, given_up.failures) == (None, 0)
        assert Event.objects.get(topic="bus.retried").by.startswith("officer:")

    def test_not_without_the_permission_for_it(self, client, given_up):
        clerk = UserFactory(is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_delivery"))
        client.force_login(clerk)

        retry(client, given_up)

        assert given_up.dead_at == NOON
        clerk.user_permissions.add(Permission.objects.get(codename="retry_delivery"))
        retry(client, given_up)
        assert given_up.dead_at is None

    @pytest.mark.parametrize(
        ("state", "shown"), [("waiting", 0), ("dead", 1), ("done", 0), ("nonsense", 1), ("", 1)]
    )
    def test_deliveries_are_listed_by_state(self, admin_client, given_up, state, shown):
        page = admin_client.get(reverse(DELIVERIES), {"state": state} if state else {})

        assert page.context["cl"].result_count == shown

    def test_every_page_opens_and_none_offers_to_change_a_fact(self, admin_client, given_up):
        kept = {"event": 1, "topic": "tests.kept", "by": ADA, "at": NOON, "source": "task"}
        audit.keep(events=[kept])
        for row in (given_up, given_up.event, Record.objects.get()):
            name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
            assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
            page = reverse(f"{name}_change", args=[row.pk])
            assert b'name="_save"' not in admin_client.get(page).content
            assert admin_client.post(page, {}).status_code == 403
            assert admin_client.get(reverse(f"{name}_add")).status_code == 403
        assert admin_client.get(reverse("admin:audit_seal_changelist")).status_code == 200
