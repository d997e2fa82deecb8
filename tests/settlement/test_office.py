import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME

from apps.settlement.models import Payout
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def payout():
    return Payout.objects.create(
        provider=factories.ProviderFactory(),
        amount_minor=84_210,
        currency="CLP",
        day=NOON.date(),
        last_entry=1,
        settled_at=NOON,
    )


def act(client, payout, action, **more):
    form = {"action": action, ACTION_CHECKBOX_NAME: payout.pk} | more
    answer = client.post("/admin/settlement/payout/", form, follow=True)
    payout.refresh_from_db()
    return answer


def test_an_officer_holds_and_releases_a_payout_and_says_why(admin_client, payout):
    asked = act(admin_client, payout, "hold")
    assert 'name="reason"' in asked.content.decode()
    assert payout.state == Payout.State.DUE

    act(admin_client, payout, "hold", because="1", reason="two accounts, one owner")
    assert payout.state == Payout.State.HELD

    act(admin_client, payout, "release", because="1", reason="cleared up")
    assert payout.state == Payout.State.DUE


def test_what_is_not_possible_is_said_and_changes_nothing(admin_client, payout):
    answer = act(admin_client, payout, "retry", because="1", reason="try")

    assert "not possible in its present state" in answer.content.decode()
    assert payout.state == Payout.State.DUE


def test_an_officer_without_the_right_has_no_such_action(client, payout):
    officer = factories.UserFactory(is_staff=True)
    client.force_login(officer)

    assert act(client, payout, "hold", because="1", reason="no").status_code == 403
    assert payout.state == Payout.State.DUE


@pytest.mark.parametrize("year", ["1999", "02026", "9" * 5000, "²026", "-1", ""])
def test_there_is_no_report_of_what_is_no_year(admin_client, year):
    answer = admin_client.get("/admin/settlement/invoice/dac7-csv/", {"year": year})

    assert answer.status_code == 422
