"""What riders, drivers and officers hear of a ride, and how soon a locked phone rings."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from apps.bus.models import Event
from apps.dispatch import operations as dispatch
from apps.dispatch.models import Offer
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations
from apps.notifications import operations as notifications
from apps.notifications import queries, words
from apps.notifications.models import Notice, Sending
from apps.regulation import operations as regulation
from cityplatform.programs import programs
from tests import factories, papers, rides
from tests.factories import CITY, NOON, OFFICER
from tests.notifications.receiver import PushServer

MINUTE = timedelta(minutes=1)


@pytest.fixture
def town(db):
    return rides.town()


@pytest.fixture
def push_server():
    with PushServer() as server:
        yield server


def heard(user) -> list[tuple[str, str]]:
    """What a person was told, the oldest first, in English."""
    told = reversed(queries.inbox(user.pk))
    return [(one.kind, words.said(one, language="en", now=NOON).title) for one in told]


def carry(user, browser, at):
    return notifications.add_device(
        user_id=user.pk,
        endpoint=browser.endpoint,
        p256dh=browser.p256dh,
        auth=browser.auth,
        name="Phone",
        by=user.acting(Kind.WORKER),
        at=at,
    )


def test_a_rider_hears_each_step_that_somebody_else_takes(town):
    order = town.drive(town.confirm())
    rides.relay_all(NOON)

    assert heard(town.rider) == [
        ("ride_accepted", "Marco is on the way"),
        ("ride_arrived", "Marco is here"),
    ]
    told = Notice.objects.get(kind="ride_accepted")
    assert told.link == f"/rides/{order.ref}/"
    assert words.said(told, language="en", now=NOON).text == (
        f"Grey Kia Rio, {town.worker.vehicle.plate}, there in 3\u00a0min"
    )
    assert heard(town.worker.user) == []


def test_heard_twice_by_the_relay_it_is_told_once(town):
    town.confirm()
    rides.relay_all(NOON)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bus_delivery SET done_at = NULL")
    rides.relay_all(NOON + MINUTE)

    assert Notice.objects.filter(kind="ride_accepted").count() == 1


def test_given_back_and_accepted_again_are_told_each_time(town):
    order = town.confirm()
    town.step(order, "give_back", town.worker.actor, NOON + MINUTE)
    other = town.on_shift(rides.driver("Rosa Vega"), NOON + MINUTE)
    town.accept(town.offer(order, other, NOON + MINUTE), NOON + MINUTE)
    rides.relay_all(NOON + MINUTE)

    assert heard(town.rider) == [
        ("ride_accepted", "Rosa is on the way"),
        ("ride_given_back", "Your driver cannot come"),
        ("ride_accepted", "Rosa is on the way"),
    ]


def test_a_driver_hears_that_the_rider_called_off_and_the_rider_is_told_nothing(town):
    order = town.confirm()
    rides.relay_all(NOON)
    town.step(order, "cancel", town.rider.acting(Kind.CONSUMER), NOON + MINUTE)
    rides.relay_all(NOON + MINUTE)

    assert heard(town.worker.user) == [("rider_called_off", "The ride was called off")]
    assert heard(town.rider) == [("ride_accepted", "Marco is on the way")]


def test_a_ride_for_which_nobody_was_found_says_so(town):
    town.search()
    dispatch.tidy(at=NOON + timedelta(minutes=10))
    rides.relay_all(NOON + timedelta(minutes=10))

    assert heard(town.rider) == [("ride_unserved", "No driver was free")]


def test_the_search_for_the_driver_of_a_later_ride_is_told_when_it_begins(town):
    later = NOON + timedelta(hours=3)
    order = town.place(town.quote(pickup_at=later))
    town.step(order, "schedule", CITY)
    operations.begin_searches(at=later - timedelta(minutes=20))
    rides.relay_all(later)

    assert heard(town.rider) == [("ride_search_began", "We are looking for your driver")]
    said = words.said(Notice.objects.get(), language="en", now=NOON)
    assert said.text == "For your ride at 11:00 to Faro Monumental"


def test_a_call_for_help_rings_at_every_officer_who_may_answer_it(town, push_server):
    on_duty = factories.UserFactory(is_staff=True)
    on_duty.user_permissions.add(Permission.objects.get(codename="answer_alert"))
    elsewhere = factories.UserFactory(is_staff=True)
    order = town.confirm()

    by = town.rider.acting(Kind.CONSUMER)
    alert = operations.raise_alert(order_id=order.pk, by=by, at=NOON)
    rides.relay_all(NOON)

    assert heard(on_duty) == [("alert_raised", f"Call for help: ride {order.code}")]
    assert heard(elsewhere) == []
    assert Notice.objects.get(user=on_duty).link == (f"/admin/mobility/alert/{alert.pk}/change/")
    assert [one.kind for one in queries.ringing(on_duty.pk)] == ["alert_raised"]
    client = Client()
    client.force_login(on_duty)
    client.get(f"/notices/{Notice.objects.get(user=on_duty).ref}/")
    assert queries.ringing(on_duty.pk) == []


def test_when_one_officer_has_taken_it_up_it_rings_at_no_other(town):
    first, second = (factories.UserFactory(is_staff=True, is_superuser=True) for _ in range(2))
    by = town.rider.acting(Kind.CONSUMER)
    alert = operations.raise_alert(order_id=town.confirm().pk, by=by, at=NOON)
    rides.relay_all(NOON)
    assert [len(queries.ringing(one.pk)) for one in (first, second)] == [1, 1]

    told = {"alert_id": alert.pk, "reason": "On it", "at": NOON + MINUTE}
    operations.acknowledge_alert(by=first.acting(Kind.OFFICER), **told)
    rides.relay_all(NOON + MINUTE)
    operations.close_alert(by=first.acting(Kind.OFFICER), **told)
    rides.relay_all(NOON + MINUTE)

    assert [len(queries.ringing(one.pk)) for one in (first, second)] == [0, 0]
    assert Event.objects.filter(topic="notifications.put_away").count() == 1


@pytest.fixture
def commit(django_capture_on_commit_callbacks):
    def run(operation, **what):
        with django_capture_on_commit_callbacks(execute=True):
            done = operation(**what)
            rides.relay_all(what["at"])
        return done

    return run


def offer_now(town, commit, at):
    order = town.search(at)
    town.on_shift(at=at)
    # What the bank is asked is not part of it.
    rides.relay_all(at)
    offer = town.offer(order, at=at)
    # Longer than the fifteen seconds of life, which a busy machine may take to run a test.
    Offer.objects.update(expires_at=at + 10 * MINUTE)
    offer.refresh_from_db()
    commit(lambda at: None, at=at)
    return offer


def test_an_offer_rings_at_the_locked_phone_for_as_long_as_it_stands(town, push_server, commit):
    at = clock.now()
    browser = push_server.browser()
    carry(town.worker.user, browser, at)

    offer = offer_now(town, commit, at)

    (message,) = browser.heard
    assert message.urgency == "high"
    assert 300 < message.ttl <= 600
    said = message.said
    assert said["url"] == "/drive/"
    assert said["expires_at"] == offer.expires_at.isoformat()
    assert said["over"] == "The offer has run out"
    assert said["title"] == "A ride for you: CLP\u00a02,359"
    assert said["body"] == "3\u00a0min to the pick-up, then 2.8\u00a0km"
    # A locked phone shows it to whoever stands by: nothing of the rider is in it.
    assert "Camila" not in str(said)
    assert "Plaza" not in str(said)
    assert heard(town.worker.user) == []


def test_a_driver_without_a_phone_costs_the_offer_nothing(town, commit):
    offer_now(town, commit, clock.now())

    assert not Notice.objects.filter(kind="ride_offered").exists()
    assert not Sending.objects.exists()


def test_an_offer_that_is_gone_when_its_turn_comes_rings_nowhere(town, push_server, commit):
    at = clock.now()
    browser = push_server.browser()
    carry(town.worker.user, browser, at)
    order = town.search(at)
    town.on_shift(at=at)
    offer = town.offer(order, at=at)
    worker = town.worker
    told = {"offer_id": offer.pk, "worker_id": worker.pk, "by": worker.actor, "at": at}

    commit(dispatch.decline, **told)

    assert browser.heard == []


def test_offers_do_not_wait_behind_mails_and_banks():
    """The queue of rings is a process's own."""
    env = {"STRIPE_API_BASE": "", "WEB_PORT": "1", "MODE": "test"}
    queues = {
        one.name: part.removeprefix("--queues=").split(",")
        for one in programs(env)
        for part in map(str, one.command)
        if part.startswith("--queues=")
    }

    assert queues == {"worker": ["city", "money", "news"], "ringer": ["ring"]}


def test_a_paper_is_told_to_its_holder_as_it_is_decided_and_as_it_ends(town):
    holder = town.worker.user
    papers.ask_for(town.city, "licence")
    blurred = papers.send(holder, town.city)
    regulation.refuse_paper(paper_id=blurred.pk, reason="Blurred", by=OFFICER, at=NOON)
    papers.accepted(holder, town.city, expires_on=date(2027, 5, 8), number="LIC-2")
    for hours in (0, 1, 6 * 24):
        regulation.remind(at=NOON + timedelta(hours=hours))
    rides.relay_all(NOON + timedelta(days=6))

    assert heard(holder) == [
        ("paper_refused", "Not accepted: Driving licence"),
        ("paper_accepted", "Accepted: Driving licence"),
        ("paper_runs_out", "Runs out soon: Driving licence"),
        ("paper_runs_out", "Runs out soon: Driving licence"),
    ]
    refused = Notice.objects.get(kind="paper_refused")
    assert words.said(refused, language="en", now=NOON).text == "Blurred"
    assert refused.link == "/drive/join/"
    assert Sending.objects.get(notice=refused).channel == "MAIL"
