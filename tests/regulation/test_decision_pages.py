"""Decisions and allowances as officers read them."""

import pytest
from django.urls import reverse

from apps.kernel import clock
from apps.regulation import operations, reasons
from apps.regulation.models import Allowance, Decision
from apps.regulation.rules import Act
from tests import rides
from tests.browser import WIDTHS, assert_accessible, screenshot, watch
from tests.factories import (
    CITY,
    NOON,
    PermitFactory,
    ProviderFactory,
    UserFactory,
    WorkerFactory,
    ZoneFactory,
)
from tests.policies import case, enforced

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def page_of(decision):
    return reverse("admin:regulation_decision_change", args=[decision.pk])


def text(answer):
    return answer.content.decode().replace("\xa0", " ")


@pytest.fixture
def shift():
    """A driver who went on line: a cap counted it, a limit was asked about it."""
    worker = WorkerFactory(user__name="Marco Tapia", provider=ProviderFactory(name="Faro"))
    PermitFactory(provider=worker.provider)
    enforced("cap", {"fact": "shifts", "most": 2, "per": "day", "of": "worker"}, title="Two a day")
    return operations.decide(
        case(
            worker.provider,
            act=Act.GO_ON_LINE,
            vertical="mobility",
            who={"worker": worker.pk},
            counts={"shifts": 1},
            facts={"papers": ""},
        ),
        by=CITY,
        at=NOON,
    )


def test_a_decision_says_what_it_was_told_whom_it_asked_and_what_it_counted(officer, shift):
    said = text(officer.get(page_of(shift)))

    told = dict(reasons.facts_of(shift))
    assert told["Who"] == "worker Marco Tapia"
    assert told["Counted"] == "1 shift"
    assert told["Papers"] == "all in force"
    assert "At most 2 shifts a day for each worker." in said
    assert "1 shift for worker Marco Tapia by P-1 (2027-05-01); now 1 of 2" in said
    assert "Not given back." in said

    operations.give_back(decision_id=shift.pk, by=CITY, at=NOON)
    said = text(officer.get(page_of(Decision.objects.get())))
    assert "Given back on May 1, 2027" in said
    assert "now 0 of 2" in said


def test_a_refusal_shows_the_rule_that_said_no(officer):
    provider = ProviderFactory()
    PermitFactory(provider=provider)
    ZoneFactory(slug="beach", name="Playa")
    version = enforced("closed", scope={"zones": ["beach"]}, title="Not at the beach")
    town_case = case(
        provider,
        act=Act.QUOTE,
        vertical="mobility",
        kind="large",
        points={"pickup": rides.PLAZA.point},
        facts={"metres": 2_600, "seconds": 360},
    )
    operations.decide(town_case, by=CITY, at=NOON)
    refused = Decision.objects.get()
    # The plaza lies in the zone: the beach of this test is the town's centre.
    assert refused.rule == "P-1/1"

    said = text(officer.get(page_of(refused)))

    told = dict(reasons.facts_of(refused))
    assert told.pop("When it takes place").endswith("08:00")
    assert told == {
        "Service": "rides",
        "Class": "large",
        "Begins in": "Playa",
        "Length of the way": "2.6\xa0km",
        "Time of the way": "6\xa0min",
    }
    assert "Not at the beach (rule P-1/1)" in said
    assert "says no" in said
    link = reverse("admin:regulation_policy_change", args=[version.policy_id])
    assert f'href="{link}#v1"' in said


def test_a_ride_leads_from_its_decision_to_its_price_and_its_order(officer):
    town = rides.town()
    order = town.search(at=clock.now())

    said = text(officer.get(page_of(order.decision)))
    assert order.code in said
    quoted = text(officer.get(page_of(order.quote.decision)))
    assert str(order.quote.ref) in quoted


def test_what_is_no_longer_there_is_shown_as_it_was_kept(officer):
    decision = Decision.objects.create(
        provider=ProviderFactory(),
        vertical="lodging",
        facts={"counts": {"nights": ["2027-05-01", "2027-05-02"]}, "who": {"boat": 3}},
        asked=[["P-9", 3, "yes"]],
        taken=[["P-9:listing:7", "2027", "nights", 2]],
        decided_at=NOON,
    )

    said = text(officer.get(page_of(decision)))

    assert "nights, 2 days: 2027-05-01, 2027-05-02" in said
    assert "boat #3" in said
    assert "P-9/3" in said
    assert "2 nights for listing #7 by P-9 (2027)" in said


def test_allowances_name_policy_and_owner(officer, shift):
    Allowance.objects.create(subject="P-2:city:1", period="now", fact="rides", cap=9)
    page = officer.get(reverse("admin:regulation_allowance_changelist"))

    desk = page.context["cl"].model_admin
    rows = [(desk.policy(row), desk.owner(row)) for row in page.context["cl"].result_list]
    assert rows == [("P-1", "worker Marco Tapia"), ("P-2", "the whole city")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_decision_in_a_browser(new_page, site, officer, shift, width):
    page = new_page(width=width)
    page.context.add_cookies(
        [{"name": "sessionid", "value": officer.cookies["sessionid"].value, "url": site}]
    )
    told = watch(page)
    page.goto(f"{site}{page_of(shift)}")
    assert_accessible(page)
    screenshot(page, f"decision-{width}", full=True)
    assert told == []
