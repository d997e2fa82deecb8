import pytest

from apps.ledger.models import Account, Journal
from apps.payments.models import Payment
from apps.settlement import operations as settlement
from apps.settlement.models import Payout
from tests import factories, rides
from tests.factories import NOON
from tests.settlement.test_pages import earn


@pytest.fixture
def office(client, db):
    client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
    return client


def test_an_officer_reads_the_books_and_changes_nothing(office):
    town = rides.town()
    town.place()
    provider = town.worker.provider
    earn(provider, 900)
    settlement.settle(
        provider_id=provider.pk, currency="CLP", day=NOON.date(), by=settlement.SETTLEMENT, at=NOON
    )
    attempt = Payment.objects.get().attempts.get()

    rows = [Account.objects.first(), Journal.objects.first(), Payout.objects.get()]
    for row in [*rows, attempt.payment, attempt]:
        name = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        assert office.get(name).status_code == 200
        assert office.get(f"{name}?q=x").status_code == 200
        assert office.get(f"{name}{row.pk}/change/").status_code == 200
        assert office.post(f"{name}{row.pk}/change/", {}).status_code == 403
    assert office.get("/admin/payments/transfer/").status_code == 200
