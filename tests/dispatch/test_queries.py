"""What quotes, phones and officers read of dispatch."""

from datetime import timedelta

import pytest
from django.urls import reverse

from apps.dispatch import operations as dispatch
from apps.dispatch import queries
from apps.dispatch.models import Job, Offer, Position, Run, Shift
from tests.dispatch.scenes import BEACH, PLAZA, offer, on_line, search, under_way
from tests.dispatch.test_telemetry import north
from tests.factories import CITY, DRIVER, NOON, SOON, CityFactory, UserFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class TestTheNearestFreeCar:
    def eta(self, at=NOON, **told):
        return queries.eta_to(CityFactory(), PLAZA, at=at, **told)

    def test_is_so_many_seconds_away_by_the_straight_line_and_a_detour(self):
        on_line(place=north(1_000))
        on_line(place=north(2_000))

        # 1,000 m x 1.3 at 24 km/h.
        assert self.eta() == 195

    def test_has_the_seats_and_the_abilities(self):
        on_line(place=north(1_000))
        on_line(place=north(2_000), seats=6, abilities=["accessible"])

        assert self.eta(seats=5) == 390
        assert self.eta(needs=["accessible"]) == 390
        assert self.eta(seats=7) is None

    def test_is_nobody_who_is_under_way_paused_ringing_or_silent(self):
        under_way(on_line())
        paused = on_line()
        dispatch.pause_shift(worker_id=paused.pk, by=DRIVER, at=NOON)
        offer(on_line())
        on_line(at=NOON - timedelta(seconds=61))

        assert self.eta() is None

    def test_comes_before_the_second_nearest(self):
        far, near = on_line(place=north(900)), on_line(place=north(300))

        found = queries.nearby(CityFactory(), PLAZA, at=NOON)

        assert [one.worker_id for one in found] == [near.pk, far.pk]
        assert [round(one.metres) for one in found] == [300, 900]


def test_an_offer_card_says_all_that_the_answer_hangs_on():
    worker = on_line()
    job = search(seats=2, needs=["large"], pay_minor=4_200, currency="CLP")
    shown = offer(worker, job)

    card = queries.offer_card(worker.pk, at=NOON)

    assert (card.offer, card.pickup, card.dropoff) == (shown.pk, PLAZA, BEACH)
    assert (card.seats, card.needs, card.pay_minor, card.currency) == (2, ["large"], 4_200, "CLP")
    assert (card.eta_seconds, card.eta_metres, card.may_extend) == (60, 400, True)
    assert queries.offer_card(worker.pk, at=shown.expires_at) is None


def test_time_on_the_line_is_what_falls_into_the_day():
    worker = on_line(at=NOON)
    dispatch.end_shift(worker_id=worker.pk, by=DRIVER, at=NOON + 2 * HOUR)
    Position.objects.all().delete()
    dispatch.start_shift(
        worker_id=worker.pk, city_id=CityFactory().pk, by=DRIVER, at=NOON + 3 * HOUR
    )

    def on_the_line(since, until):
        return queries.time_on_line(worker.pk, since=since, until=until)

    assert on_the_line(NOON - HOUR, NOON + 4 * HOUR) == 3 * HOUR
    assert on_the_line(NOON + HOUR, NOON + 2 * HOUR) == HOUR
    assert on_the_line(NOON - HOUR, NOON) == timedelta()


class TestTheOfficersPages:
    @pytest.fixture
    def officer(self, client):
        client.force_login(UserFactory(is_staff=True, is_superuser=True))
        return client

    @pytest.fixture(autouse=True)
    def a_morning(self):
        self.job = under_way()
        dispatch.release(holder=self.job.holder, by=CITY, at=SOON)
        search(pay_minor=4_200, currency="CLP")

    @pytest.mark.parametrize("model", [Job, Offer, Run, Shift])
    def test_are_read_and_not_written(self, officer, model):
        name = f"admin:dispatch_{model._meta.model_name}"
        row = model.objects.order_by("pk").first()

        page = officer.get(reverse(f"{name}_changelist"))
        assert page.status_code == 200
        assert str(row.pk) in page.content.decode()
        assert officer.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
        assert officer.get(reverse(f"{name}_add")).status_code == 403
        assert officer.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403

    def test_lead_from_a_job_to_its_run_and_from_an_offer_to_its_job(self, officer):
        run = Run.objects.get()

        jobs = officer.get(reverse("admin:dispatch_job_changelist")).content.decode()
        assert f'href="{reverse("admin:dispatch_run_change", args=[run.pk])}"' in jobs
        assert "4,200 CLP" in jobs
        offers = officer.get(reverse("admin:dispatch_offer_changelist")).content.decode()
        assert f'href="{reverse("admin:dispatch_job_change", args=[self.job.pk])}"' in offers

    @pytest.mark.parametrize("model", [Job, Offer, Run, Shift])
    def test_ask_the_database_no_more_for_more_rows(
        self, officer, model, django_assert_max_num_queries
    ):
        for _ in range(5):
            under_way()
        address = reverse(f"admin:dispatch_{model._meta.model_name}_changelist")

        with django_assert_max_num_queries(16):
            officer.get(address)

    def test_find_a_job_by_its_order(self, officer):
        address = reverse("admin:dispatch_job_changelist")

        page = officer.get(address, {"q": str(self.job.holder)}).content.decode()

        assert f'href="{reverse("admin:dispatch_job_change", args=[self.job.pk])}' in page
