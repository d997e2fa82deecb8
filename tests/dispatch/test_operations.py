"""Jobs, offers and shifts."""

from datetime import timedelta
from uuid import uuid4

import pytest

from apps.bus.models import Event
from apps.dispatch import operations as dispatch
from apps.dispatch.models import Job, Offer, Run, Shift
from tests.dispatch.scenes import GIVE_UP, accept, offer, on_line, search, trip, under_way
from tests.factories import CITY, DRIVER, NOON, SOON, CityFactory, WorkerFactory

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def told(topic):
    """What was said of a topic, in order."""
    return [event.body for event in Event.objects.filter(topic=topic).order_by("pk")]


def state(row):
    return type(row).objects.get(pk=row.pk).state


class TestAJob:
    def test_rings_nobody_until_it_is_confirmed(self):
        worker = on_line()
        job = dispatch.hold(trip(), holder=uuid4(), until=GIVE_UP, by=CITY, at=NOON)

        assert job.state == Job.State.WAITING
        with pytest.raises(dispatch.TooLate):
            offer(worker, job)
        dispatch.confirm(holder=job.holder, by=CITY, at=SOON)
        job.refresh_from_db()
        assert (job.state, job.searching_since) == (Job.State.SEARCHING, SOON)

    def test_held_twice_is_one_job(self):
        holder = uuid4()
        first = dispatch.hold(trip(seats=2), holder=holder, until=GIVE_UP, by=CITY, at=NOON)
        again = dispatch.hold(trip(seats=2), holder=holder, until=GIVE_UP, by=CITY, at=SOON)

        assert first == again
        assert len(told("dispatch.held")) == 1

    def test_confirmed_twice_searches_once(self):
        job = search()
        dispatch.confirm(holder=job.holder, by=CITY, at=SOON)

        assert Job.objects.get().searching_since == NOON
        assert told("dispatch.searching") == [{"holder": str(job.holder), "job": job.pk}]

    def test_released_gives_the_seats_back_and_ends_the_run_once(self):
        job = under_way()
        for _ in range(2):
            dispatch.release(holder=job.holder, by=CITY, at=SOON)

        run = Run.objects.get()
        assert (run.state, run.taken, run.ended_at) == (Run.State.ENDED, 0, SOON)
        assert state(job) == Job.State.RELEASED
        assert told("dispatch.released") == [{"holder": str(job.holder), "worker": run.worker_id}]

    def test_released_while_it_rings_takes_the_offer_back(self):
        worker, job = on_line(), search()
        shown = offer(worker, job)
        dispatch.release(holder=job.holder, by=CITY, at=NOON)

        assert state(shown) == Offer.State.WITHDRAWN
        assert told("dispatch.withdrawn") == [
            {"offer": shown.pk, "worker": worker.pk, "why": "released"}
        ]
        with pytest.raises(dispatch.TooLate):
            accept(shown, worker)
        assert not Run.objects.exists()

    def test_that_nobody_held_can_be_let_go(self):
        dispatch.release(holder=uuid4(), by=CITY, at=NOON)

        assert told("dispatch.released") == []

    def test_put_back_searches_again_without_the_worker_who_gave_it_back(self):
        worker, other = on_line(), on_line()
        job = under_way(worker)
        for _ in range(2):
            dispatch.put_back(holder=job.holder, by=DRIVER, at=SOON)

        job.refresh_from_db()
        assert (job.state, job.run, job.searching_since) == (Job.State.SEARCHING, None, SOON)
        assert job.search_until == SOON + timedelta(minutes=10)
        assert Run.objects.get().state == Run.State.ENDED
        assert told("dispatch.put_back") == [{"holder": str(job.holder), "worker": worker.pk}]
        with pytest.raises(dispatch.TooLate):
            offer(worker, job, at=SOON)
        assert accept(offer(other, job, at=SOON), other, at=SOON).run.worker == other

    def test_carries_somebody(self):
        with pytest.raises(ValueError, match="at least one seat"):
            trip(seats=0)


class TestAnOffer:
    def test_the_first_yes_wins_and_the_other_phones_stop_ringing(self):
        job, quick, slow = search(), on_line(), on_line()
        first, second = offer(quick, job), offer(slow, job)

        taken = accept(first, quick, at=NOON + SECOND)

        assert (taken.state, taken.run.worker, taken.run.taken) == ("ASSIGNED", quick, 1)
        assert state(second) == Offer.State.WITHDRAWN
        assert told("dispatch.withdrawn") == [
            {"offer": second.pk, "worker": slow.pk, "why": "taken"}
        ]
        assert told("dispatch.assigned") == [
            {
                "holder": str(job.holder),
                "worker": quick.pk,
                "run": taken.run.pk,
                "offer": first.pk,
                "eta_seconds": 60,
                "eta_metres": 400,
            }
        ]
        with pytest.raises(dispatch.TooLate):
            accept(second, slow)

    def test_yes_said_twice_is_one_yes(self):
        worker = on_line()
        shown = offer(worker)

        assert accept(shown, worker) == accept(shown, worker)
        assert Run.objects.get().taken == 1
        assert len(told("dispatch.assigned")) == 1

    def test_after_its_time_it_is_worth_nothing(self):
        worker = on_line()
        shown = offer(worker)

        assert shown.expires_at == NOON + timedelta(seconds=15)
        with pytest.raises(dispatch.TooLate):
            accept(shown, worker, at=shown.expires_at)
        assert not Run.objects.exists()

    def test_nobody_answers_for_somebody_else(self):
        mine, other = on_line(), on_line()
        shown = offer(mine)

        for answer in (dispatch.accept, dispatch.decline, dispatch.extend):
            with pytest.raises(dispatch.NoSuchOffer):
                answer(offer_id=shown.pk, worker_id=other.pk, by=DRIVER, at=NOON)
        assert state(shown) == Offer.State.OPEN

    def test_one_at_a_time(self):
        worker = on_line()
        offer(worker)

        with pytest.raises(dispatch.Busy):
            offer(worker)

    def test_is_not_shown_to_whoever_is_under_way(self):
        worker = on_line()
        under_way(worker)

        with pytest.raises(dispatch.Busy):
            offer(worker)

    def test_is_not_shown_off_the_line_paused_past_the_end_or_in_another_city(self):
        absent, paused, late, far = WorkerFactory(), on_line(), on_line(), on_line()
        dispatch.pause_shift(worker_id=paused.pk, by=DRIVER, at=NOON)
        dispatch.limit_shift(worker_id=late.pk, until=NOON, by=CITY, at=NOON)
        Shift.objects.filter(worker=far).update(city=CityFactory(slug="valparaiso"))

        for worker in (absent, paused, late, far):
            with pytest.raises(dispatch.NotOnShift):
                offer(worker)

    def test_too_big_a_party_is_not_taken(self):
        worker = on_line(seats=4)
        shown = offer(worker, search(seats=5))

        with pytest.raises(dispatch.Full):
            accept(shown, worker)
        assert not Run.objects.exists()
        assert state(shown) == Offer.State.OPEN

    def test_no_does_no_harm_and_is_not_asked_again(self):
        worker = on_line()
        job = search()
        shown = offer(worker, job)
        for _ in range(2):
            dispatch.decline(
                offer_id=shown.pk, worker_id=worker.pk, reason="too far", by=DRIVER, at=NOON
            )

        shown.refresh_from_db()
        assert (shown.state, shown.why, shown.answered_at) == ("DECLINED", "too far", NOON)
        assert told("dispatch.declined") == [
            {"offer": shown.pk, "worker": worker.pk, "reason": "too far"}
        ]
        with pytest.raises(dispatch.TooLate):
            offer(worker, job)
        offer(worker)

    def test_more_time_is_given_once(self):
        worker = on_line()
        shown = offer(worker)
        for _ in range(2):
            longer = dispatch.extend(offer_id=shown.pk, worker_id=worker.pk, by=DRIVER, at=NOON)

        assert longer.expires_at == NOON + timedelta(seconds=30)
        assert len(told("dispatch.extended")) == 1

    def test_never_lasts_longer_than_the_search(self):
        worker = on_line()
        shown = offer(worker, search(until=NOON + 20 * SECOND))

        longer = dispatch.extend(offer_id=shown.pk, worker_id=worker.pk, by=DRIVER, at=NOON)

        assert longer.expires_at == NOON + 20 * SECOND

    def test_more_time_for_what_has_run_out_is_too_late(self):
        worker = on_line()
        shown = offer(worker)

        with pytest.raises(dispatch.TooLate):
            dispatch.extend(offer_id=shown.pk, worker_id=worker.pk, by=DRIVER, at=shown.expires_at)


class TestAShift:
    def test_begun_twice_is_one_shift(self):
        worker = on_line()
        dispatch.start_shift(worker_id=worker.pk, city_id=CityFactory().pk, by=DRIVER, at=SOON)

        assert Shift.objects.get().started_at == NOON
        assert len(told("dispatch.shift_started")) == 1

    def test_is_in_one_city(self):
        worker = on_line()

        with pytest.raises(dispatch.OnShiftElsewhere):
            dispatch.start_shift(
                worker_id=worker.pk,
                city_id=CityFactory(slug="valparaiso").pk,
                by=DRIVER,
                at=SOON,
            )

    def test_pausing_stops_the_ringing_and_resuming_begins_it_again(self):
        worker = on_line()
        shown = offer(worker)
        for _ in range(2):
            dispatch.pause_shift(worker_id=worker.pk, reason="lunch", by=DRIVER, at=SOON)

        assert state(shown) == Offer.State.WITHDRAWN
        assert told("dispatch.shift_paused") == [{"worker": worker.pk, "reason": "lunch"}]
        for _ in range(2):
            dispatch.resume_shift(worker_id=worker.pk, by=DRIVER, at=SOON)
        offer(worker)
        assert len(told("dispatch.shift_resumed")) == 1

    def test_cannot_end_during_a_run(self):
        worker = on_line()
        job = under_way(worker)

        with pytest.raises(dispatch.OnARun):
            dispatch.end_shift(worker_id=worker.pk, by=DRIVER, at=SOON)
        dispatch.release(holder=job.holder, by=CITY, at=SOON)
        for _ in range(2):
            dispatch.end_shift(worker_id=worker.pk, by=DRIVER, at=SOON)
        assert Shift.objects.get().ended_at == SOON
        assert len(told("dispatch.shift_ended")) == 1

    def test_that_is_over_takes_no_job(self):
        worker = on_line()
        shown = offer(worker)
        dispatch.end_shift(worker_id=worker.pk, by=DRIVER, at=NOON)

        with pytest.raises(dispatch.NotOnShift):
            accept(shown, worker)
        for change in (dispatch.pause_shift, dispatch.resume_shift):
            with pytest.raises(dispatch.NotOnShift):
                change(worker_id=worker.pk, by=DRIVER, at=NOON)


class TestTime:
    def test_lets_an_offer_run_out_once(self):
        worker = on_line()
        shown = offer(worker)

        assert dispatch.tidy(at=shown.expires_at - SECOND) == 0
        assert dispatch.tidy(at=shown.expires_at) == 1
        assert dispatch.tidy(at=shown.expires_at) == 0
        assert state(shown) == Offer.State.EXPIRED
        assert told("dispatch.expired") == [{"offer": shown.pk, "worker": worker.pk}]

    def test_gives_a_search_up_once(self):
        worker, job = on_line(), search()
        shown = offer(worker, job, at=GIVE_UP - SECOND)
        dispatch.tidy(at=GIVE_UP)
        dispatch.tidy(at=GIVE_UP + SECOND)

        assert state(job) == Job.State.UNSERVED
        assert told("dispatch.unserved") == [{"holder": str(job.holder)}]
        with pytest.raises(dispatch.TooLate):
            accept(shown, worker, at=GIVE_UP)
        dispatch.release(holder=job.holder, by=CITY, at=GIVE_UP)
        assert state(job) == Job.State.UNSERVED

    def test_does_not_give_up_what_somebody_has_taken(self):
        job = under_way()
        dispatch.tidy(at=GIVE_UP + SECOND)

        assert state(job) == Job.State.ASSIGNED

    def test_ends_a_shift_when_its_time_is_over_and_the_ride_done(self):
        worker = on_line()
        dispatch.limit_shift(worker_id=worker.pk, until=SOON, by=CITY, at=NOON)
        job = under_way(worker)

        dispatch.tidy(at=SOON)
        assert Shift.objects.get().ended_at is None
        dispatch.release(holder=job.holder, by=CITY, at=SOON)
        dispatch.tidy(at=SOON + SECOND)
        assert Shift.objects.get().ended_at == SOON + SECOND

    def miss(self, worker, times, at=NOON):
        for _ in range(times):
            at = offer(worker, search(at=at), at=at).expires_at
            dispatch.tidy(at=at)
        return at

    def test_pauses_whoever_lets_three_offers_in_a_row_run_out(self):
        worker = on_line()

        self.miss(worker, 2)
        assert Shift.objects.get().paused_at is None
        at = self.miss(worker, 1)

        shift = Shift.objects.get()
        assert (shift.paused_at, shift.pause_reason) == (at, "no_answer")
        assert told("dispatch.shift_paused") == [{"worker": worker.pk, "reason": "no_answer"}]
        dispatch.resume_shift(worker_id=worker.pk, by=DRIVER, at=at)
        assert self.miss(worker, 2)
        assert Shift.objects.get().paused_at is None

    def test_a_no_in_between_shows_that_somebody_is_there(self):
        worker = on_line()
        self.miss(worker, 2)
        shown = offer(worker)
        dispatch.decline(offer_id=shown.pk, worker_id=worker.pk, by=DRIVER, at=NOON)

        self.miss(worker, 2)

        assert Shift.objects.get().paused_at is None
