"""What the team, the citizen and the officers see of a dispute."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.disputes import operations
from apps.disputes.models import Dispute
from apps.kernel import clock
from apps.notifications.models import Notice
from apps.parties import operations as parties
from apps.payments.models import Payment
from tests import factories, rides
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import CITY, OFFICER

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner():
    return factories.UserFactory(name="Ana Rojas")


@pytest.fixture
def town(owner):
    """A ride that was driven; `owner` sees the money of whoever drove it."""
    town, now = rides.town(), clock.now()
    town.order = town.drive(town.confirm(at=now), now)
    parties.add_member(
        provider_id=town.order.provider_id, user_id=owner.pk, role="OWNER", by=OFFICER, at=now
    )
    Payment.objects.update(reference="pi_ride")
    return town


def told(status="needs_response", **more):
    now = clock.now()
    return {
        "reference": "du_1",
        "intent": "pi_ride",
        "amount_minor": 2608,
        "currency": "CLP",
        "reason": "fraudulent",
        "status": status,
        "opened": int(now.timestamp()),
        "due_by": int((now + timedelta(days=9)).timestamp()),
        "submissions": 0,
        "movements": [
            {"reference": "txn_1", "amount_minor": -2608, "fee_minor": 1500, "currency": "CLP"}
        ],
        **more,
    }


def heed(**more) -> Dispute:
    dispute = operations.heed(facts=told(**more), by=CITY, at=clock.now())
    rides.relay_all(clock.now())
    return dispute


def page_of(user, address, **form):
    client = Client()
    client.force_login(user)
    return client.post(address, form) if form else client.get(address)


def test_the_order_speaks_first(town):
    dispute = heed()
    assert dispute.order == town.order
    said = dict(dispute.evidence.values_list("kind", "text"))
    assert set(said) == {"product_description", "service_date", "access_activity_log"}
    log = said["access_activity_log"].splitlines()
    assert "ordered by the customer" in log[0]
    assert [line.split()[3] for line in log[1:]][-3:] == ["arrive", "board", "drop"]
    assert " by the driver:" in log[-1]


def test_the_team_adds_what_happened_and_strangers_find_nothing(town, owner):
    dispute = heed()
    address = reverse("disputes:dispute", args=[dispute.ref])
    assert page_of(owner, address).status_code == 200
    assert page_of(owner, address, text="She was there.").status_code == 302
    assert dispute.evidence.get(added_by=owner).text == "She was there."
    assert page_of(owner, address, text=" ").status_code == 422
    assert page_of(owner, address, text="x" * 5001).status_code == 422
    for person in (town.rider, town.worker.user, factories.UserFactory()):
        assert page_of(person, address).status_code == 404
        assert page_of(person, address, text="Mine").status_code == 404
    assert dispute.evidence.filter(added_by__isnull=False).count() == 1
    assert "2,608" in page_of(owner, reverse("disputes:index")).text
    assert "2,608" not in page_of(town.rider, reverse("disputes:index")).text


def test_after_the_end_nothing_is_added(town, owner):
    dispute = heed()
    heed(status="lost")
    page_of(owner, reverse("disputes:dispute", args=[dispute.ref]), text="Too late")
    assert not dispute.evidence.filter(added_by__isnull=False).exists()


def test_the_citizen_reads_that_their_bank_has_a_dispute_open(town):
    receipt = reverse("orders:receipt", args=[town.order.ref])
    assert "has a dispute open" not in page_of(town.rider, receipt).text
    heed()
    assert "Your bank has a dispute open" in page_of(town.rider, receipt).text
    heed(status="lost")
    assert "has a dispute open" not in page_of(town.rider, receipt).text


def test_team_and_officers_hear_when_it_opens_and_how_it_ends(town, owner):
    officer = factories.UserFactory(is_staff=True)
    officer.user_permissions.add(Permission.objects.get(codename="answer_dispute"))
    heed()
    heed()
    heed(status="won")
    for person, ending in ((owner, ""), (officer, "_office")):
        heard = Notice.objects.filter(user=person, kind__startswith="dispute_").order_by("pk")
        assert [one.kind for one in heard] == [f"dispute_opened{ending}", f"dispute_won{ending}"]


def test_the_desk_lists_the_nearest_day_first_and_acts_with_a_reason(town):
    officer = factories.UserFactory(is_staff=True)
    for name in ("answer_dispute", "view_dispute"):
        officer.user_permissions.add(Permission.objects.get(codename=name))
    dispute = heed()
    desk = reverse("admin:disputes_dispute_changelist")
    assert "The payer says that it was not them." in page_of(officer, desk).text
    form = {"action": "answer", "_selected_action": dispute.pk}
    assert page_of(officer, desk, **form).status_code == 200
    dispute.refresh_from_db()
    assert dispute.wish == ""
    page_of(officer, desk, **form, because="1", reason="We have proof")
    dispute.refresh_from_db()
    assert (dispute.wish, dispute.why) == ("ANSWER", "We have proof")
    assert set(dispute.sent) == {"product_description", "service_date", "access_activity_log"}


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(("lang", "theme"), [("en", "light"), ("es", "dark")])
def test_everybody_can_use_the_pages(new_page, site, town, owner, width, lang, theme):
    page = new_page(width=width, theme=theme, lang=lang)
    complaints = watch(page)

    def show(name, user, address):
        client = Client()
        client.force_login(user)
        cookie = client.cookies["sessionid"].value
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
        page.goto(f"{site}{address}")
        page.wait_for_load_state("load")
        assert_accessible(page)
        screenshot(page, f"dispute-{name}-{width}-{lang}", full=True)

    show("none", owner, reverse("disputes:index"))
    with translation.override(lang):
        dispute = heed()
    show("list", owner, reverse("disputes:index"))
    show("open", owner, reverse("disputes:dispute", args=[dispute.ref]))
    page.locator("textarea").fill("She was there, and I have a photograph of the way.")
    page.locator("main form button").click()
    page.wait_for_load_state("load")
    assert dispute.evidence.filter(added_by=owner).count() == 1
    show("receipt", town.rider, reverse("orders:receipt", args=[town.order.ref]))
    heed(status="lost")
    show("lost", owner, reverse("disputes:dispute", args=[dispute.ref]))
    assert [line for line in complaints if "/ws/" not in line] == []
