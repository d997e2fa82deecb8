"""What happens when two want the same thing in the same moment."""

from collections import Counter
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import IntegrityError, connection
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.dispatch import operations as dispatch
from apps.dispatch.models import Job, Offer, Run, Shift
from tests.dispatch.scenes import accept, offer, on_line, search, under_way
from tests.factories import CITY, DRIVER, NOON
from tests.races import at_once, without

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = timedelta(seconds=1)


def kinds(answers):
    return Counter(type(answer) for answer in answers)


@pytest.mark.parametrize("round", range(5))
class TestTwoAtOnce:
    def test_two_drivers_say_yes_to_one_job(self, round):
        job, drivers = search(), [on_line() for _ in range(4)]
        offers = [offer(driver, job) for driver in drivers]

        answers = at_once(*map(partial(partial, accept), offers, drivers))

        assert kinds(answers) == {Job: 1, dispatch.TooLate: 3}
        assert Run.objects.get().taken == 1
        states = Counter(Offer.objects.values_list("state", flat=True))
        assert states == {"ACCEPTED": 1, "WITHDRAWN": 3}

    def test_one_yes_comes_in_three_times(self, round):
        driver = on_line()
        shown = offer(driver)

        answers = at_once(*[partial(accept, shown, driver)] * 3)

        assert kinds(answers) == {Job: 3}
        assert Run.objects.get().taken == 1

    def test_a_yes_meets_a_cancellation(self, round):
        driver, job = on_line(), search()
        shown = offer(driver, job)

        answer, _ = at_once(
            partial(accept, shown, driver),
            partial(dispatch.release, holder=job.holder, by=CITY, at=NOON),
        )

        # Either the yes came first, and the ride was called off, or it came too late.
        assert isinstance(answer, Job | dispatch.TooLate)
        assert Job.objects.get().state == Job.State.RELEASED
        assert not Run.objects.live().exists()

    def test_a_yes_meets_the_end_of_its_time(self, round):
        driver = on_line()
        shown = offer(driver)

        answer, done = at_once(
            partial(accept, shown, driver, shown.expires_at - SECOND),
            partial(dispatch.tidy, at=shown.expires_at),
        )

        job, state = Job.objects.get(), Offer.objects.get().state
        if isinstance(answer, Job):
            assert (job.state, state, done) == ("ASSIGNED", "ACCEPTED", 0)
        else:
            assert isinstance(answer, dispatch.TooLate)
            assert (job.state, state, done) == ("SEARCHING", "EXPIRED", 1)

    def test_a_yes_meets_the_end_of_the_shift(self, round):
        driver = on_line()
        shown = offer(driver)

        answers = at_once(
            partial(accept, shown, driver),
            partial(dispatch.end_shift, worker_id=driver.pk, by=DRIVER, at=NOON),
        )

        is_on_line = Shift.objects.open().exists()
        assert Run.objects.live().exists() == is_on_line
        assert kinds(answers) in (
            {Job: 1, dispatch.OnARun: 1},
            {dispatch.NotOnShift: 1, type(None): 1},
        )

    def test_two_matchers_show_two_jobs_to_one_driver(self, round):
        driver, jobs = on_line(), [search(), search()]

        answers = at_once(*(partial(offer, driver, job) for job in jobs))

        assert kinds(answers) == {Offer: 1, dispatch.Busy: 1}

    def test_a_job_is_released_twice(self, round):
        job = under_way()

        at_once(*[partial(dispatch.release, holder=job.holder, by=CITY, at=NOON)] * 3)

        assert Run.objects.get().taken == 0


class TestOneDriverSaysYesToTwoOffersAtOnce:
    """Two matchers have each shown a job, as if the rule of one open offer were gone."""

    @pytest.fixture(autouse=True)
    def two_offers(self):
        with without(Offer, "dispatch_one_open_offer_per_worker"):
            self.driver = on_line()
            self.offers = [offer(self.driver), offer(self.driver)]
            self.both_have_looked = Barrier(2, timeout=30)
            yield

    def say_yes_to_both(self, accept):
        return at_once(*(partial(accept, offer, self.driver) for offer in self.offers))

    def test_one_job_is_theirs_and_the_other_searches_on(self):
        answers = self.say_yes_to_both(accept)

        assert kinds(answers) == {Job: 1, dispatch.Full: 1}
        assert Run.objects.get().taken == 1
        assert Job.objects.searching().count() == 1

    def test_naive_code_is_stopped_by_the_constraint(self):
        answers = self.say_yes_to_both(self.naive_accept)

        assert kinds(answers) == {type(None): 1, IntegrityError: 1}
        assert Run.objects.count() == 1

    def test_naive_code_without_the_constraint_drives_two_runs_at_once(self):
        with without(Run, "dispatch_one_live_run_per_worker"):
            self.say_yes_to_both(self.naive_accept)

            assert Run.objects.live().filter(worker=self.driver).count() == 2

    def naive_accept(self, offer, driver):
        is_free = not Run.objects.live().filter(worker=driver).exists()
        self.both_have_looked.wait()
        if is_free:
            Run.objects.create(worker=driver, seats=4, taken=1, started_at=NOON)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["offer", "accept", "decline", "put_back", "release", "end", "start", "pause", "wait"]
        ),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    min_size=4,
    max_size=24,
)
REFUSALS = (
    dispatch.Busy,
    dispatch.Full,
    dispatch.NoSuchOffer,
    dispatch.NotOnShift,
    dispatch.OnARun,
    dispatch.TooLate,
)


class TestWhateverHappens:
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(steps=STEPS)
    def test_nobody_drives_two_runs_and_no_job_has_two_drivers(self, steps):
        self.forget()
        self.drivers = [on_line() for _ in range(3)]
        self.jobs = [search() for _ in range(3)]
        self.at = NOON
        for step, driver, job in steps:
            self.at += SECOND
            self.try_to(step, self.drivers[driver], self.jobs[job])
            self.check()

    @settings(
        max_examples=10,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(steps=STEPS)
    def test_not_even_if_it_all_happens_at_once(self, steps):
        self.forget()
        self.drivers = [on_line() for _ in range(3)]
        self.jobs = [search() for _ in range(3)]
        self.at = NOON
        halves = steps[::2], steps[1::2]

        failures = at_once(*(partial(self.live, half) for half in halves))

        assert failures == [None, None]
        self.check()

    def live(self, steps):
        for step, driver, job in steps:
            self.try_to(step, self.drivers[driver], self.jobs[job])

    def try_to(self, step, driver, job):
        by, at = {"by": DRIVER}, self.at
        asked = Offer.objects.filter(worker=driver, job=job).order_by("-pk").first()
        answer = {"offer_id": asked.pk if asked else 0, "worker_id": driver.pk, **by, "at": at}
        try:
            match step:
                case "offer":
                    offer(driver, job, at=at)
                case "accept":
                    dispatch.accept(**answer)
                case "decline":
                    dispatch.decline(**answer)
                case "put_back":
                    dispatch.put_back(holder=job.holder, **by, at=at)
                case "release":
                    dispatch.release(holder=job.holder, **by, at=at)
                case "end":
                    dispatch.end_shift(worker_id=driver.pk, **by, at=at)
                case "start":
                    city_id = job.city_id
                    dispatch.start_shift(worker_id=driver.pk, city_id=city_id, **by, at=at)
                    dispatch.resume_shift(worker_id=driver.pk, **by, at=at)
                case "pause":
                    dispatch.pause_shift(worker_id=driver.pk, **by, at=at)
                case "wait":
                    dispatch.tidy(at=at + 20 * SECOND)
        except REFUSALS:
            return

    def check(self):
        live = Counter(Run.objects.live().values_list("worker", flat=True))
        assert not live or max(live.values()) == 1
        assert not Run.objects.filter(taken__gt=F("seats")).exists()
        for run in Run.objects.all():
            seated = sum(run.jobs.filter(state="ASSIGNED").values_list("seats", flat=True))
            assert run.taken == seated
            assert (run.state == Run.State.LIVE) == (run.taken > 0)
        winners = Counter(Offer.objects.filter(state="ACCEPTED").values_list("job", flat=True))
        assert not winners or max(winners.values()) == 1
        for job in Job.objects.filter(state="ASSIGNED"):
            assert job.offers.get(state="ACCEPTED").worker_id == job.run.worker_id
        on_line_now = set(Shift.objects.open().values_list("worker", flat=True))
        assert live.keys() <= on_line_now

    def forget(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "TRUNCATE dispatch_offer, dispatch_job, dispatch_run, dispatch_shift,"
                " dispatch_position CASCADE"
            )
