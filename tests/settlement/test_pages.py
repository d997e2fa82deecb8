import csv
from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.ledger import operations as ledger
from apps.parties import operations as parties
from apps.parties.models import Membership
from apps.settlement import operations as settlement
from tests import factories, rides
from tests.factories import CITY

AT = timezone.now() - timedelta(days=1)
TODAY = AT.date()


def earn(provider, minor, about=None, kind="capture", currency="CLP"):
    ledger.post(
        key=f"test:{uuid4()}",
        kind=kind,
        about=about,
        lines=[("clearing:cards", minor), (f"provider:{provider.pk}:payable", -minor)],
        currency=currency,
        by=CITY,
        at=AT,
    )


def settled(provider, day=TODAY):
    return settlement.settle(
        provider_id=provider.pk, currency="CLP", day=day, by=settlement.SETTLEMENT, at=AT
    )


@pytest.fixture
def town(db):
    return rides.town()


@pytest.fixture
def owner(town):
    return factories.UserFactory()


@pytest.fixture
def provider(owner):
    return parties.found_provider(name="Autos del Faro", owner_id=owner.pk, by=CITY, at=AT)


@pytest.fixture
def order(town):
    return town.place()


@pytest.fixture
def payout(provider, order):
    earn(provider, 2_000, order.ref)
    earn(provider, 1_500)
    earn(provider, -300, order.ref, kind="refund")
    return settled(provider)


class TestWhoMaySee:
    def test_the_owner_reads_when_they_are_paid(self, client, owner, provider, payout):
        earn(provider, 700)
        client.force_login(owner)

        page = client.get("/earnings/").content.decode()

        assert "When am I paid and why" in page
        assert "3,200" in page
        assert "700" in page
        assert str(payout.ref) in page

    def test_the_accountant_of_the_team_sees_it_too(self, client, provider, payout):
        accountant = factories.UserFactory()
        parties.add_member(
            provider_id=provider.pk,
            user_id=accountant.pk,
            role=Membership.Role.ACCOUNTANT,
            by=CITY,
            at=AT,
        )
        client.force_login(accountant)

        assert client.get("/earnings/").status_code == 200
        assert client.get(f"/earnings/{payout.ref}/").status_code == 200

    @pytest.mark.parametrize("end", ["/", ".csv"])
    def test_a_stranger_finds_nothing(self, client, payout, end):
        client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))

        assert client.get("/earnings/").status_code == 404
        assert client.get(f"/earnings/{payout.ref}{end}").status_code == 404
        assert client.get(f"/api/v1/payouts/{payout.ref}").status_code == 404

    def test_a_driver_without_the_money_role_goes_to_their_shift(self, client, town, payout):
        client.force_login(town.worker.user)

        assert client.get("/earnings/")["Location"] == "/drive/"
        assert client.get(f"/earnings/{payout.ref}/").status_code == 404

    def test_who_is_not_signed_in_is_asked_to(self, client, payout):
        assert client.get(f"/earnings/{payout.ref}/").status_code == 302

    def test_of_two_companies_one_is_chosen(self, client, owner, provider, payout):
        other = parties.found_provider(name="Botes del Faro", owner_id=owner.pk, by=CITY, at=AT)
        client.force_login(owner)

        page = client.get(f"/earnings/?provider={other.ref}").content.decode()

        assert "Autos del Faro" in page
        assert "First payout after your first order" in page
        assert client.get(f"/earnings/?provider={uuid4()}").status_code == 404
        assert client.get("/earnings/?provider=nonsense").status_code == 404


class TestStatement:
    def test_every_line_leads_to_its_order(self, client, owner, payout, order):
        client.force_login(owner)

        page = client.get(f"/earnings/{payout.ref}/").content.decode()

        assert page.count(reverse("orders:receipt", args=[order.ref])) == 2
        assert "On its way" not in page

    def test_the_running_sum_ends_at_the_payout(self, client, owner, payout, order):
        client.force_login(owner)

        answer = client.get(f"/earnings/{payout.ref}.csv")
        rows = list(csv.DictReader(answer.content.decode().splitlines()))

        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert [row["amount"] for row in rows] == ["2000", "1500", "-300"]
        assert [row["running_sum"] for row in rows] == ["2000", "3500", "3200"]
        assert [row["order"] for row in rows] == [order.code, "", order.code]
        assert payout.amount_minor == 3_200

    def test_each_entry_stands_on_one_statement(self, client, owner, provider, payout):
        earn(provider, 450)
        second = settled(provider, AT.date() + timedelta(days=1))
        client.force_login(owner)

        answer = client.get(f"/api/v1/payouts/{second.ref}").json()

        assert [line["amount_minor"] for line in answer["lines"]] == [450]
        assert answer["amount_minor"] == answer["lines"][-1]["running_minor"] == 450
        listed = client.get("/api/v1/payouts").json()["results"]
        assert [one["ref"] for one in listed] == [str(second.ref), str(payout.ref)]
