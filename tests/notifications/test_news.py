"""What a person is told, how it reads, and how they want to hear of it."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.actors import Kind as Part
from apps.kernel.money import Money
from apps.notifications import kinds, operations, queries, tasks, words
from apps.notifications.models import Channel, Choice, Notice, Sending
from tests import factories, races, rides
from tests.factories import CITY, NOON

HOUR = timedelta(hours=1)


@pytest.fixture
def camila(db):
    return factories.UserFactory(name="Camila Rojas", language="es")


def tell(user, kind="receipt_ready", about="order:1", at=NOON, **more) -> Notice:
    more = {"context": {"sum": words.money(Money(2450, "CLP")), "summary": "Plaza"}} | more
    link = "/orders/"
    return operations.notify(to=user.pk, kind=kind, about=about, link=link, by=CITY, at=at, **more)


def test_a_notice_reads_in_the_language_of_whoever_reads_it(camila):
    notice = tell(camila)

    assert words.said(notice, language="en", now=NOON).title == "Your receipt: CLP\u00a02,450"
    assert words.said(notice, language="es", now=NOON).title == "Tu comprobante: $2.450"


def test_moments_days_and_lengths_are_filled_by_the_clocks_of_the_place(camila):
    context = {
        "hour": words.moment(datetime(2027, 5, 3, 18, 30, tzinfo=UTC), "America/Santiago"),
        "dropoff": "Faro",
    }
    notice = tell(camila, "ride_search_began", context=context)
    said = words.said(notice, language="en", now=NOON)

    assert said.text == "For your ride at Mon\u00a03\u00a0May, 14:30 to Faro"
    assert words._fill(words.day(datetime(2027, 5, 4, tzinfo=UTC).date()), "en", NOON) == (
        "Tue\u00a04\u00a0May"
    )
    assert words._fill(words.seconds(185), "en", NOON) == "3\u00a0min"
    assert words._fill(words.metres(2600), "es", NOON) == "2,6\u00a0km"


def test_a_kind_that_is_gone_since_breaks_no_list(camila):
    Notice.objects.create(
        user=camila, kind="gone", about="x", link="/", created_at=NOON, expires_at=NOON
    )

    assert words.said(Notice.objects.get(), language="en", now=NOON).title == "gone"


def test_telling_twice_is_told_once(camila):
    first = tell(camila)
    assert tell(camila, at=NOON + HOUR) == first

    assert Notice.objects.count() == 1
    assert Event.objects.filter(topic="notifications.noted").count() == 1
    assert tell(camila, about="order:2") != first


@pytest.mark.django_db(transaction=True)
def test_told_at_the_same_moment_by_two_it_is_told_once_and_the_database_says_so():
    user = factories.UserFactory()

    def call():
        return tell(user, "cash_owed").pk

    first, second = races.at_once(call, call)

    assert first == second
    assert Sending.objects.filter(channel="MAIL").count() == 1
    told = Notice.objects.get()
    again = {"user": user, "kind": "cash_owed", "about": "order:1", "link": "/"}
    with races.without(Notice, "notifications_told_once"):
        # The naive control: without the constraint a second row stands.
        Notice.objects.create(**again, created_at=NOON, expires_at=NOON)
        assert Notice.objects.count() == 2
    assert not Notice.objects.filter(pk=told.pk).exists()


def test_a_link_leads_within_the_city(camila):
    for link in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Notice.objects.create(
                user=camila, kind="x", about=link, link=link, created_at=NOON, expires_at=NOON
            )


def test_a_kind_nobody_registered_is_a_mistake_of_ours(camila):
    with pytest.raises(kinds.NoSuchKind):
        tell(camila, "no_such_kind")


def test_reading_is_counted_and_twice_is_harmless(camila):
    by = camila.acting(Part.CONSUMER)
    notice = tell(camila)
    tell(camila, about="order:2")
    assert queries.unread(camila.pk) == 2

    assert operations.read(user_id=camila.pk, ref=str(notice.ref), by=by, at=NOON) == 1
    assert operations.read(user_id=camila.pk, ref=str(notice.ref), by=by, at=NOON) == 0
    assert queries.unread(camila.pk) == 1
    assert operations.read(user_id=camila.pk, by=by, at=NOON) == 1
    assert queries.unread(camila.pk) == 0


def test_news_of_others_cannot_be_read(camila):
    notice, other = tell(camila), factories.UserFactory()

    with pytest.raises(operations.NoSuchNotice):
        operations.read(user_id=other.pk, ref=str(notice.ref), by=CITY, at=NOON)


def test_whoever_wants_none_of_it_on_the_screen_finds_it_and_is_not_counted(camila):
    choose(camila, without={"receipt_ready:SCREEN"})
    tell(camila)

    assert queries.unread(camila.pk) == 0
    assert queries.inbox(camila.pk).count() == 1


def choose(user, *, without=frozenset(), plus=frozenset()) -> None:
    wanted = set()
    for part in queries.parts_of(user):
        for _kind, row in queries.wishes(user, part):
            wanted |= {wish.name for wish in row if wish and wish.is_on}
    operations.choose(
        user_id=user.pk,
        wanted=(wanted - set(without)) | set(plus),
        by=user.acting(Part.CONSUMER),
        at=NOON,
    )


def test_only_what_differs_from_the_given_is_kept(camila):
    choose(camila, without={"receipt_ready:PUSH"}, plus={"receipt_ready:MAIL"})
    assert set(Choice.objects.values_list("channel", "is_on")) == {("PUSH", False), ("MAIL", True)}
    told = Event.objects.filter(topic="notifications.chosen").count()

    choose(camila)
    assert Event.objects.filter(topic="notifications.chosen").count() == told
    choose(camila, plus={"receipt_ready:PUSH"}, without={"receipt_ready:MAIL"})
    assert not Choice.objects.exists()


def test_what_concerns_safety_or_debts_cannot_be_turned_off(camila):
    choose(camila, without={"cash_owed:SCREEN", "cash_owed:MAIL"})

    kind = kinds.get("cash_owed")
    assert queries.channels_for(camila.pk, kind) == {Channel.SCREEN, Channel.PUSH}


def test_only_switches_of_ones_own_parts_are_taken(camila):
    choose(camila, plus={"payout_paid:PUSH", "no_such:MAIL", "alert_raised:MAIL"})

    assert not Choice.objects.exists()
    assert queries.parts_of(camila) == [Part.CONSUMER]
    assert queries.parts_of(rides.driver().user) == [Part.CONSUMER, Part.WORKER]


SANTIAGO = "America/Santiago"


def quiet(user, starts, ends, zone=SANTIAGO) -> None:
    by = user.acting(Part.CONSUMER)
    hours = {"starts": time(starts), "ends": time(ends)}
    operations.keep_quiet(user_id=user.pk, **hours, zone=zone, by=by, at=NOON)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        # 22:00 to 07:00 in La Serena, four hours behind UTC in May.
        (datetime(2027, 5, 1, 1, 59, tzinfo=UTC), None),
        (datetime(2027, 5, 1, 2, 0, tzinfo=UTC), datetime(2027, 5, 1, 11, tzinfo=UTC)),
        (datetime(2027, 5, 1, 10, 59, tzinfo=UTC), datetime(2027, 5, 1, 11, tzinfo=UTC)),
        (datetime(2027, 5, 1, 11, 0, tzinfo=UTC), None),
    ],
)
def test_quiet_hours_go_past_midnight_by_the_clocks_of_the_place(camila, at, until):
    quiet(camila, 22, 7)

    assert queries.quiet_until(camila.pk, at) == until


def test_what_can_wait_waits_for_their_end_and_what_is_urgent_does_not(camila):
    quiet(camila, 6, 20)
    tell(camila, "cash_owed")
    assert Sending.objects.get().due_at == datetime(2027, 5, 2, 0, tzinfo=UTC)

    choose(camila, plus={"ride_unserved:MAIL"})
    tell(camila, "ride_unserved", context={"dropoff": "Faro"})
    assert Sending.objects.get(notice__kind="ride_unserved").due_at == NOON


def test_quiet_hours_are_taken_back_and_make_sense(camila):
    quiet(camila, 22, 7)
    by = camila.acting(Part.CONSUMER)
    with pytest.raises(ValidationError):
        quiet(camila, 22, 7, zone="La/Serena")
    with pytest.raises(ValueError, match="same time"):
        quiet(camila, 7, 7)

    operations.keep_quiet(user_id=camila.pk, starts=None, ends=None, zone=SANTIAGO, by=by, at=NOON)
    assert queries.quiet_until(camila.pk, datetime(2027, 5, 1, 3, tzinfo=UTC)) is None


def test_a_mail_goes_out_once_in_the_language_of_its_reader(
    camila, settings, django_capture_on_commit_callbacks
):
    settings.PUBLIC_URL = "https://city.example"
    at = clock.now()
    with django_capture_on_commit_callbacks(execute=True):
        notice = tell(camila, "cash_owed", at=at)
        rides.relay_all(at)
    rides.relay_all(at)
    tasks.send_due()

    (sent,) = mail.outbox
    assert sent.subject == "No se pagaron $2.450 en efectivo"
    assert sent.to == [camila.email]
    assert f"https://city.example/notices/{notice.ref}/" in sent.body
    assert "https://city.example/me/notices/" in sent.body
    sending = Sending.objects.get()
    assert (sending.state, sending.tries) == ("SENT", 1)


def test_what_was_read_on_the_screen_is_not_sent_after_quiet_hours(camila):
    notice = tell(camila, "cash_owed")
    operations.read(
        user_id=camila.pk, ref=str(notice.ref), by=camila.acting(Part.CONSUMER), at=NOON + HOUR
    )

    assert operations.claim(sending_id=Sending.objects.get().pk, at=NOON + 2 * HOUR) is None
    assert Sending.objects.get().state == "SEEN"


def test_what_is_no_longer_worth_telling_is_not_sent(camila):
    tell(camila, "cash_owed", expires_at=NOON + HOUR)

    assert operations.claim(sending_id=Sending.objects.get().pk, at=NOON + HOUR) is None
    assert Sending.objects.get().state == "LATE"


def test_one_try_at_a_time_and_a_crash_in_the_middle_of_it_leaves_it_due(camila):
    tell(camila, "cash_owed")
    mine = Sending.objects.get().pk

    assert operations.claim(sending_id=mine, at=NOON) is not None
    assert operations.claim(sending_id=mine, at=NOON + timedelta(seconds=59)) is None
    assert operations.claim(sending_id=mine, at=NOON + timedelta(minutes=1)).tries == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_sends():
    tell(factories.UserFactory(), "cash_owed")
    mine = Sending.objects.get().pk

    def call():
        return operations.claim(sending_id=mine, at=NOON)

    first, second = races.at_once(call, call)

    assert (first is None) != (second is None)


def test_old_news_is_forgotten(camila):
    tell(camila)
    later = NOON + timedelta(days=180)

    assert operations.forget_old(at=later) == 0
    assert operations.forget_old(at=later + HOUR) == 1
    assert not Notice.objects.exists()
