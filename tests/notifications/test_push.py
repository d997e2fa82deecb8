"""Rings at a locked phone: sealed, taken by a real server, opened with the browser's own keys."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import IntegrityError, transaction

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.actors import Kind as Part
from apps.kernel.money import Money
from apps.notifications import addresses, keys, operations, push, queries, tasks, words
from apps.notifications.models import Device, Notice, Sending
from tests import factories, rides
from tests.factories import CITY, NOON, OFFICER

pytestmark = pytest.mark.django_db


@pytest.fixture
def camila():
    return factories.UserFactory(name="Camila Rojas")


@pytest.fixture
def commit(django_capture_on_commit_callbacks):
    """Do something, and let follow what follows: the relay, the tasks, the pushes."""

    def run(operation, **what):
        at = what.get("at", clock.now())
        with django_capture_on_commit_callbacks(execute=True):
            done = operation(**what)
            rides.relay_all(at)
        return done

    return run


def add(user, browser, at=NOON, **more) -> Device:
    told = {"p256dh": browser.p256dh, "auth": browser.auth, "name": "Chrome, Android"} | more
    by = user.acting(Part.CONSUMER)
    return operations.add_device(user_id=user.pk, endpoint=browser.endpoint, **told, by=by, at=at)


def news(user, about="order:1", kind="receipt_ready", **more):
    context = {"sum": words.money(Money(2450, "CLP")), "summary": "Plaza to Faro"}
    more = {"context": context, "at": clock.now(), "by": CITY, "link": "/orders/"} | more
    return {"to": user.pk, "kind": kind, "about": about, **more}


def test_a_browser_opens_what_was_sealed_for_it(camila, push_server, commit):
    browser = push_server.browser()
    add(camila, browser)

    notice = commit(operations.notify, **news(camila))

    (message,) = browser.heard
    assert message.said == {
        "title": "Your receipt: CLP\u00a02,450",
        "body": "Plaza to Faro",
        "url": f"/notices/{notice.ref}/",
        "tag": message.topic,
        "lang": "en",
        "expires_at": "",
        "over": "",
    }
    assert (message.urgency, len(message.topic)) == ("normal", 24)
    assert 86_390 <= message.ttl <= 86_400
    sending = Sending.objects.get()
    assert (sending.state, sending.tries, browser.refused) == ("SENT", 1, [])
    assert Device.objects.get().reached_at is not None


def test_every_device_rings_and_each_once(camila, push_server, commit):
    phone, desk = push_server.browser(), push_server.browser()
    add(camila, phone)
    add(camila, desk)

    commit(operations.notify, **news(camila))
    commit(operations.notify, **news(camila))
    tasks.send_due()

    assert (len(phone.heard), len(desk.heard)) == (1, 1)


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_rung_no_more_and_its_keys_are_wiped(
    camila, push_server, commit, status
):
    browser = push_server.browser()
    device = add(camila, browser)
    browser.status = status

    commit(operations.notify, **news(camila))

    device.refresh_from_db()
    assert (device.endpoint, device.p256dh, device.auth) == ("", "", "")
    assert Sending.objects.get().state == "GONE"
    assert Event.objects.filter(topic="notifications.device_removed").count() == 1
    commit(operations.notify, **news(camila, "order:2"))
    assert Sending.objects.count() == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_cannot_now_is_asked_again_later(camila, push_server, commit, status):
    browser = push_server.browser()
    add(camila, browser)
    browser.status = status
    commit(operations.notify, **news(camila))
    sending = Sending.objects.get()
    assert (sending.state, sending.tries) == ("DUE", 1)
    assert str(status) in sending.error

    browser.status = 201
    Sending.objects.update(due_at=clock.now() - timedelta(seconds=1))
    tasks.send_due()

    assert len(browser.heard) == 1
    sending.refresh_from_db()
    assert (sending.state, sending.tries) == ("SENT", 2)


def test_nobody_there_is_not_now(camila, push_server, commit):
    browser = push_server.browser()
    add(camila, browser)
    push_server.server_close()

    push_server.shutdown()
    commit(operations.notify, **news(camila))

    assert Sending.objects.get().state == "DUE"
    assert "ConnectError" in Sending.objects.get().error


def test_the_waits_grow_and_end_when_it_is_too_late(camila, push_server):
    add(camila, push_server.browser())
    operations.notify(**news(camila, at=NOON))
    mine, at, waits = Sending.objects.get().pk, NOON, []
    while operations.claim(sending_id=mine, at=at):
        wait = operations.put_off(sending_id=mine, error="503", at=at)
        waits.append(wait)
        at += timedelta(seconds=wait or 0)

    assert waits[:12] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600]
    assert waits[-1] is None
    assert Sending.objects.get().state == "LATE"


def test_a_no_for_good_is_an_officers_to_look_at_and_to_send_once_more(camila, push_server, commit):
    browser = push_server.browser()
    add(camila, browser)
    browser.status = 403
    commit(operations.notify, **news(camila))
    sending = Sending.objects.get()
    assert (sending.state, sending.error) == ("FAILED", "the push server said 403")
    assert Event.objects.filter(topic="notifications.failed").count() == 1

    browser.status = 201
    again = {"sending_id": sending.pk, "by": OFFICER, "at": clock.now()}
    commit(operations.send_again, **again)
    commit(operations.send_again, **again)

    assert len(browser.heard) == 1
    assert Event.objects.filter(topic="notifications.sent_again").count() == 1


def test_keys_of_another_browser_open_nothing(camila, push_server, commit):
    browser, other = push_server.browser(), push_server.browser()
    add(camila, browser, p256dh=other.p256dh)

    commit(operations.notify, **news(camila))

    assert browser.heard == []
    assert len(browser.refused) == 1


def test_adding_twice_is_one_device_and_another_person_takes_it_over(camila, push_server):
    browser, marco = push_server.browser(), factories.UserFactory()
    first = add(camila, browser)
    assert add(camila, browser) == first

    assert add(marco, browser) != first
    assert list(queries.devices_of(camila.pk)) == []
    assert queries.devices_of(marco.pk).count() == 1


def test_one_device_per_endpoint_says_the_database(camila, push_server):
    add(camila, browser := push_server.browser())

    with pytest.raises(IntegrityError), transaction.atomic():
        Device.objects.create(user=camila, endpoint=browser.endpoint, added_at=NOON)


def test_removing_is_the_persons_own_and_twice_is_harmless(camila, push_server):
    device = add(camila, push_server.browser())
    stranger = {"user_id": factories.UserFactory().pk, "ref": device.ref, "by": CITY, "at": NOON}
    with pytest.raises(operations.NoSuchDevice):
        operations.remove_device(**stranger)

    own = stranger | {"user_id": camila.pk}
    operations.remove_device(**own)
    operations.remove_device(**own)

    assert not queries.devices_of(camila.pk).exists()
    assert Event.objects.filter(topic="notifications.device_removed").count() == 1


def test_a_person_has_twenty_devices_and_the_oldest_goes(camila, push_server):
    first = add(camila, push_server.browser())
    for minute in range(1, 21):
        add(camila, push_server.browser(), NOON + timedelta(minutes=minute))

    assert queries.devices_of(camila.pk).count() == 20
    first.refresh_from_db()
    assert first.removed_at is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"p256dh": "AAAA"},
        {"p256dh": "é"},
        {"p256dh": "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"auth": "short"},
        {"auth": ""},
    ],
)
def test_keys_that_are_none_are_refused(camila, push_server, wrong):
    with pytest.raises(operations.NotADevice):
        add(camila, push_server.browser(), **wrong)


INSIDE = [
    "http://push.example/x",
    "https://127.0.0.1/x",
    "https://10.1.2.3/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[fd00::1]/x",
    "https://100.64.0.1/x",
    "https://0.0.0.0/x",
    "https://224.0.0.1/x",
    "https://localhost/x",
    "https://db.internal/x",
    "https://user@push.example/x",
    "https://push.example:8443/x",
    "https://push.example:99999/x",
    "https://push.example/x y",
    "https://push.example/x#y",
    "https:///x",
    "ftp://push.example/x",
    "https://push.example/" + "x" * 1_000,
]


@pytest.mark.parametrize("endpoint", INSIDE)
def test_an_address_inside_the_house_is_never_called(settings, camila, push_server, endpoint):
    settings.PUSH_TO_THIS_MACHINE = False
    browser = push_server.browser()
    browser.endpoint = endpoint

    with pytest.raises(operations.NotADevice):
        add(camila, browser)
    with pytest.raises(push.Refused):
        post_to(browser)


def test_a_name_that_leads_into_the_house_is_not_called_either(settings, push_server):
    """`localhost.localdomain` and its like look like names of the wide world."""
    settings.PUSH_TO_THIS_MACHINE = False
    browser = push_server.browser()
    browser.endpoint = "https://localhost.localdomain/x"

    with pytest.raises(push.Refused):
        post_to(browser)


def test_the_great_push_servers_may_be_called(settings):
    settings.PUSH_TO_THIS_MACHINE = False
    for endpoint in (
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/abc",
        "https://web.push.apple.com/abc",
        "https://wns2-par02p.notify.windows.com/w/?token=abc%2b",
        "https://8.8.8.8/x",
    ):
        assert addresses.may_be_push_server(endpoint), endpoint


def test_it_is_called_by_the_number_that_was_looked_at_and_under_its_name(push_server):
    server = addresses.find(push_server.browser().endpoint.replace("127.0.0.1", "localhost"))

    assert server.host == "localhost"
    assert server.number in ("127.0.0.1", "::1")
    assert server.origin == f"http://localhost:{push_server.server_port}"


def post_to(browser):
    address = push.Address(browser.endpoint, browser.p256dh, browser.auth)
    push.post(address, {"title": "x"}, ttl=1, is_urgent=False, topic="x", at=clock.now())


def test_what_is_too_long_for_a_push_is_refused(push_server):
    browser = push_server.browser()
    address = push.Address(browser.endpoint, browser.p256dh, browser.auth)

    with pytest.raises(push.Refused):
        push.post(address, {"title": "x" * 3000}, ttl=1, is_urgent=False, topic="x", at=clock.now())


def test_the_key_is_made_once_for_its_owner_only(settings):
    first = keys.public_key()

    assert keys.public_key() == first
    assert len(first) == 87
    assert Path(settings.PUSH_KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_production_makes_no_key_by_itself_and_without_one_nothing_rings(
    settings, camila, push_server, commit
):
    add(camila, push_server.browser())
    settings.MODE, settings.PUSH_KEY_FILE = "production", ""
    assert not keys.is_set()
    commit(operations.notify, **news(camila))
    assert Sending.objects.get().error == "PUSH_KEY_FILE is unset"

    settings.PUSH_KEY_FILE = "/nonexistent/push.pem"
    assert not keys.is_set()


def test_a_key_of_another_kind_is_none(settings, tmp_path):
    other = ed25519.Ed25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (pem, b"no key at all"):
        path = tmp_path / "other.pem"
        path.write_bytes(content)
        settings.PUSH_KEY_FILE = str(path)
        with pytest.raises(keys.NoKey):
            keys.signing_key()


def test_fleeting_news_without_a_phone_leaves_no_row(camila):
    assert operations.notify(**news(camila, "offer:1", "ride_offered")) is None
    assert not Notice.objects.exists()


def test_fleeting_news_stands_in_no_list_and_is_gone_the_next_day(camila, push_server):
    add(camila, push_server.browser())
    context = {"pay": "1", "away": "2", "far": "3"}
    operations.notify(**news(camila, "offer:1", "ride_offered", at=NOON, context=context))

    assert not queries.inbox(camila.pk).exists()
    assert queries.unread(camila.pk) == 0
    assert operations.forget_old(at=NOON + timedelta(days=1, seconds=1)) == 2


def test_somebody_who_was_shut_out_is_not_rung(camila, push_server, commit):
    browser = push_server.browser()
    add(camila, browser)
    camila.is_active = False
    camila.save()

    commit(operations.notify, **news(camila))

    assert browser.heard == []
    assert Sending.objects.get().state == "GONE"
