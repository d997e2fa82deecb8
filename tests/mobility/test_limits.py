"""Limits of the city on drivers and fleets: hours of work, and the share of accessible cars."""

from datetime import timedelta

import pytest
from django.test import Client

from apps.dispatch.models import Shift
from apps.kernel import clock
from apps.mobility import at_work, operations
from apps.mobility.models import Vehicle
from apps.parties import operations as parties
from apps.parties.models import Worker
from apps.regulation import in_force
from apps.regulation import operations as regulation
from apps.regulation.models import Decision
from tests import rides
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import CITY, NOON, UserFactory, WorkerFactory
from tests.policies import approved, enforced, proposed

pytestmark = pytest.mark.django_db
H = timedelta(hours=1)
TEN = {"fact": "hours_worked", "most": 10}
QUARTER = {"fact": "accessible_cars_bp", "least": 2_500}


@pytest.fixture
def town():
    return rides.town()


def before(town, since, until, worker=None):
    """A shift that lies behind a driver, from so many hours before noon to so many."""
    Shift.objects.create(
        worker=worker or town.worker,
        city=town.city,
        started_at=NOON - since * H,
        ended_at=NOON - until * H,
    )


class TestHoursOfWork:
    def test_whoever_has_driven_as_long_as_allowed_is_refused_in_the_rules_words(self, town):
        enforced("limit", TEN, title="Nobody drives more than 10 hours a day.")
        before(town, 11, 1)

        with pytest.raises(regulation.NotPermitted, match="policy_"):
            town.on_shift()

        refused = Decision.objects.get()
        assert refused.facts["facts"]["hours_worked"] == 11
        assert refused.rule == "P-1/1"

    def test_a_shift_ends_when_the_hours_are_full(self, town):
        enforced("limit", TEN)
        before(town, 9, 1)

        town.on_shift()

        assert Shift.objects.open().get().until == NOON + 2 * H
        assert Decision.objects.get().facts["facts"]["hours_worked"] == 9
        assert not Shift.objects.on_line(NOON + 2 * H).exists()
        state = at_work.state_of(town.worker, NOON + H)
        assert state["shift"]["seconds_left"] == 3_600

    def test_the_strictest_limit_counts_and_others_limits_do_not(self, town):
        enforced("limit", TEN)
        enforced("limit", {"fact": "hours_worked", "most": 8})
        enforced("limit", {"fact": "hours_worked", "most": 1}, scope={"providers": [999_999]})
        enforced("limit", {"fact": "hours_worked", "most": 2}, scope={"verticals": ["lodging"]})

        town.on_shift()

        assert Shift.objects.open().get().until == NOON + 8 * H

    def test_papers_that_change_do_not_lengthen_a_shift(self, town):
        enforced("limit", TEN)
        town.on_shift()

        operations.limit_to_papers(user_id=town.worker.user_id, by=CITY, at=NOON + 3 * H)

        assert Shift.objects.open().get().until == NOON + 10 * H

    def test_a_limit_that_is_approved_ends_the_shifts_that_it_is_too_late_for(self, town):
        second = rides.driver("Rosa")
        town.on_shift(at=NOON - 9 * H)
        town.on_shift(second, at=NOON - H)
        assert set(Shift.objects.values_list("until", flat=True)) == {None}

        version = proposed("limit", {"fact": "hours_worked", "most": 8}, at=NOON - H)
        approved(version, at=NOON)
        rides.relay_all(NOON)

        until = dict(Shift.objects.values_list("worker", "until"))
        assert until == {town.worker.pk: NOON, second.pk: NOON + 7 * H}
        regulation.stop_policy(
            version_id=version.pk, officer_id=UserFactory().pk, reason="x", by=CITY, at=NOON
        )
        in_force.forget()
        rides.relay_all(NOON)
        assert set(Shift.objects.values_list("until", flat=True)) == {None}

    def test_where_no_rule_asks_nothing_is_stated_or_kept(self, town):
        before(town, 23, 1)

        town.on_shift()

        assert set(Decision.objects.get().facts["facts"]) <= {"papers"}
        assert Shift.objects.open().get().until is None


class TestAccessibleCars:
    @pytest.fixture
    def fleet(self, town):
        """A fleet of three cars, and whoever runs it."""
        provider = town.worker.provider
        for number in (2, 3):
            worker = WorkerFactory(provider=provider)
            Vehicle.objects.create(worker=worker, make="Kia", colour="Grey", plate=f"LX{number}")
        owner = UserFactory()
        parties.add_member(
            provider_id=provider.pk, user_id=owner.pk, role="OWNER", by=CITY, at=NOON
        )
        provider.owner = owner
        return provider

    def asks(self, fleet, *abilities):
        user = UserFactory()
        car = {"make": "Kia", "colour": "Grey", "plate": f"AB{user.pk:04}"}
        joining = parties.save_joining(
            user_id=user.pk, vertical="mobility", provider_id=fleet.pk, business="", seats=4,
            abilities=list(abilities), details=car, by=CITY, at=clock.now(),
        )  # fmt: skip
        return parties.ask_to_join(joining_id=joining.pk, by=CITY, at=clock.now())

    def agree(self, town, joining, at=NOON):
        return operations.agree_to_driver(
            joining_id=joining.pk, city_id=town.city.pk, by=CITY, at=at
        )

    def test_a_fleet_with_too_few_takes_on_no_other_car_and_an_accessible_one(self, town, fleet):
        enforced("limit", QUARTER, title="A quarter of every fleet takes a wheelchair.")
        joining = self.asks(fleet)

        with pytest.raises(regulation.NotPermitted, match="policy_"):
            self.agree(town, joining)

        refused = Decision.objects.get()
        assert (refused.act, refused.facts["facts"]) == ("publish", {"accessible_cars_bp": 0})
        assert not Worker.objects.filter(user=joining.user_id).exists()
        assert self.agree(town, self.asks(fleet, "accessible")).is_active
        # One of five by then, and that is too few still.
        with pytest.raises(regulation.NotPermitted):
            self.agree(town, joining)
        assert Decision.objects.order_by("pk").last().facts["facts"] == {
            "accessible_cars_bp": 2_000
        }
        self.agree(town, self.asks(fleet, "accessible"))
        for _ in range(2):
            self.agree(town, joining)

    def test_a_fleet_without_a_permit_gathers_its_cars_first(self, town, fleet):
        enforced("limit", QUARTER)
        fleet.permits.all().delete()

        assert self.agree(town, self.asks(fleet)).is_active

    def test_cars_of_a_fleet_with_too_few_stay_off_line_but_the_accessible_do_not(
        self, town, fleet
    ):
        enforced("limit", QUARTER)
        with pytest.raises(regulation.NotPermitted, match="policy_"):
            town.on_shift()
        able = Worker.objects.filter(provider=fleet).last()
        able.abilities = ["accessible"]
        able.save()

        town.on_shift(able)
        town.on_shift()

        assert Decision.objects.order_by("pk").last().facts["facts"]["accessible_cars_bp"] == 3_333

    def test_the_fleets_page_says_the_rule(self, client, town, fleet):
        title = "A quarter of every fleet takes a wheelchair."
        version = enforced("limit", QUARTER, title=title, at=clock.now() - 30 * H)
        joining = self.asks(fleet)
        client.force_login(fleet.owner)

        answer = client.post(f"/drive/fleet/asks/{joining.pk}/", {"answer": "agree"}, follow=True)

        page = answer.content.decode()
        assert title in page
        assert str(version) in page
        joining.refresh_from_db()
        assert joining.state == "ASKED"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme", "lang"), [(390, "dark", "es"), (1280, "light", "en")])
def test_a_driver_reads_what_is_left_and_why_nothing_is(new_page, site, width, theme, lang):
    town, now = rides.town(), clock.now()
    enforced("limit", TEN, title="Nobody drives more than 10 hours a day.", at=now - 30 * H)
    Shift.objects.create(
        worker=town.worker, city=town.city, started_at=now - 8 * H, ended_at=now - H
    )
    page = new_page(width=width, theme=theme, lang=lang)
    client = Client()
    client.force_login(town.worker.user)
    value = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": value, "url": site}])
    told = watch(page)
    page.goto(f"{site}/drive/")
    page.locator("#on-line").click()
    page.wait_for_load_state("load")
    page.wait_for_selector("#off-line")
    screenshot(page, f"hours-left-{width}-{theme}")
    assert_accessible(page)
    says = "puedes conducir 3 h más" if lang == "es" else "you may drive 3 h more"
    assert says in page.locator("[data-part=top]").inner_text().replace("\xa0", " ").lower()
    page.locator("#off-line").click()
    page.wait_for_selector("#on-line")
    Shift.objects.update(started_at=now - 12 * H, ended_at=now)
    page.locator("#on-line").click()
    page.wait_for_load_state("load")
    page.get_by_text("Nobody drives more than 10 hours a day.").wait_for()
    screenshot(page, f"hours-full-{width}-{theme}")
    assert [one for one in told if "WebSocket" not in one] == []
