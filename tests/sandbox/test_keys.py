"""A question asked twice is answered once, whatever happens in between."""

import sqlite3
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.sandbox.bank import KEY, Bank

FARE = {"amount": 1000, "currency": "clp", "payment_method": "pm_card_visa", "confirm": True}


def test_the_same_key_and_question_give_the_same_payment(api):
    first = api.v1.payment_intents.create(FARE, {"idempotency_key": "same"})
    again = api.v1.payment_intents.create(dict(reversed(FARE.items())), {"idempotency_key": "same"})
    other = api.v1.payment_intents.create(FARE, {"idempotency_key": "other"})
    assert again.to_dict() == first.to_dict()
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert other.id != first.id


def test_the_same_key_with_another_question_is_an_error(api):
    api.v1.payment_intents.create(FARE, {"idempotency_key": "reused"})
    with pytest.raises(stripe.IdempotencyError) as refused:
        api.v1.payment_intents.create({**FARE, "amount": 1001}, {"idempotency_key": "reused"})
    assert refused.value.http_status == 400


def test_a_refusal_is_remembered_and_nothing_is_tried_twice(api, camila):
    ask = {**FARE, "payment_method": "pm_card_chargeDeclined", "customer": camila.id}
    told = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refused:
            api.v1.payment_intents.create(ask, {"idempotency_key": "declined"})
        told.append(refused.value.error.payment_intent["id"])
    assert told[0] == told[1]
    assert len(api.v1.payment_intents.list({"customer": camila.id}).data) == 1


def test_a_malformed_question_does_not_use_up_its_key(api):
    key = {"idempotency_key": "malformed"}
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.create({**FARE, "bogus": 1}, key)
    assert api.v1.payment_intents.create(FARE, key).status == "succeeded"


def test_a_key_belongs_to_its_account(api, driver):
    key = {"idempotency_key": "shared"}
    ours = api.v1.customers.create({"name": "Rosa"}, key)
    theirs = api.v1.customers.create({"name": "Rosa"}, {**key, "stripe_account": driver.id})
    assert ours.id != theirs.id


def test_a_key_is_known_for_a_day_and_then_forgotten(tmp_path):
    with Bank(tmp_path) as bank:
        key, v1 = {"idempotency_key": "yesterday"}, bank.client().v1
        first = v1.payment_intents.create(FARE, key)
        bank.advance(24 * 3600 - 60)
        assert v1.payment_intents.create(FARE, key).id == first.id
        bank.advance(60)
        other = v1.payment_intents.create({**FARE, "amount": 1001}, key)
        assert other.id != first.id
        assert "Idempotent-Replayed" not in other.last_response.headers
        # From now on the key stands for what it was asked last.
        with pytest.raises(stripe.IdempotencyError):
            v1.payment_intents.create(FARE, key)


def test_a_file_of_before_keys_were_forgotten_keeps_its_keys_for_a_day(tmp_path):
    with Bank(tmp_path) as bank:
        key = {"idempotency_key": "old file"}
        first = bank.client().v1.payment_intents.create(FARE, key)
    with sqlite3.connect(tmp_path / "sandbox.sqlite3") as file:
        file.executescript("DROP INDEX answers_age; ALTER TABLE answers DROP COLUMN asked;")
    with Bank(tmp_path) as bank:
        v1 = bank.client().v1
        assert v1.payment_intents.create(FARE, key).id == first.id
        bank.advance(24 * 3600)
        assert v1.payment_intents.create(FARE, key).id != first.id


def test_thirty_two_at_once_make_one_payment(bank, camila):
    barrier = threading.Barrier(32)

    def ask(_: int) -> str:
        api = bank.client(retries=8)
        barrier.wait()
        try:
            return api.v1.payment_intents.create(
                {**FARE, "customer": camila.id}, {"idempotency_key": "at once"}
            ).id
        except stripe.APIError:
            # Still in progress after every try of the SDK: a 409, and no second payment.
            return ""

    with ThreadPoolExecutor(32) as pool:
        told = set(pool.map(ask, range(32))) - {""}
    assert len(told) == 1
    assert len(bank.client().v1.payment_intents.list({"customer": camila.id}).data) == 1


ASKER = """
import sys, stripe
url, key, customer = sys.argv[1:]
api = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=8)
print("ready", flush=True)
sys.stdin.readline()
fare = {"amount": 1000, "currency": "clp", "payment_method": "pm_card_visa", "confirm": True}
made = api.v1.payment_intents.create({**fare, "customer": customer}, {"idempotency_key": "two"})
print(made.id)
"""


def test_two_processes_with_one_key_make_one_payment(bank, camila):
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", ASKER, bank.url, KEY, camila.id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for asker in askers:
        assert asker.stdout.readline() == "ready\n"
    for asker in askers:
        asker.stdin.write("go\n")
        asker.stdin.flush()
    told = {asker.communicate(timeout=60)[0].strip() for asker in askers}
    [made] = bank.client().v1.payment_intents.list({"customer": camila.id}).data
    assert told == {made.id}


def test_what_was_answered_survives_being_killed(tmp_path):
    """SIGKILL in full work, five times; then every question is asked again."""
    with Bank(tmp_path) as bank:
        camila = bank.client().v1.customers.create({"name": "Camila"}).id
        told: dict[str, str] = {}

        def ask(key: str) -> None:
            fare = bank.client().v1.payment_intents.create(
                {**FARE, "customer": camila}, {"idempotency_key": key}
            )
            assert told.setdefault(key, fare.id) == fare.id

        def work(worker: int, enough: threading.Event, round_: int) -> None:
            try:
                for number in range(1000):
                    ask(f"{round_}.{worker}.{number}")
                    if number == 4:
                        enough.set()
            except stripe.APIConnectionError:
                asked.append(f"{round_}.{worker}.{number}")

        asked: list[str] = []
        for round_ in range(5):
            enough = threading.Event()
            threads = [
                threading.Thread(target=work, args=(worker, enough, round_)) for worker in range(4)
            ]
            for thread in threads:
                thread.start()
            assert enough.wait(60)
            bank.kill()
            for thread in threads:
                thread.join(60)
            bank.start()
        assert len(asked) == 20
        for key in [*told, *asked]:
            ask(key)
        kept = {
            one.id
            for one in bank.client()
            .v1.payment_intents.list({"customer": camila, "limit": 100})
            .auto_paging_iter()
        }
        assert kept == set(told.values())
        assert len(kept) == len(told)
        balance = bank.client().v1.balance.retrieve()
        assert balance.available[0].amount == len(told) * (1000 - 29)


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("MODE", "production", "MODE=demo or MODE=test"),
        ("STRIPE_API_KEY", "sk_live_" + "k" * 32, "begin with sk_test_"),
        ("SANDBOX_CONTROL_PASSWORD", "", "at least 16 characters"),
        ("SANDBOX_PENDING_SECONDS", "soon", "whole number of seconds"),
    ],
)
def test_it_does_not_start_where_it_has_no_place(tmp_path, setting, value, reason):
    with pytest.raises(AssertionError, match=reason):
        Bank(tmp_path, **{setting: value}).start()


def test_one_folder_has_one_bank(tmp_path):
    with Bank(tmp_path), pytest.raises(AssertionError, match="Another sandbox already keeps"):
        Bank(tmp_path).start()


def test_the_clock_and_the_deliveries_want_the_control_password(bank):
    for path, form in [("clock", {"advance": "1"}), ("deliveries", {})]:
        with pytest.raises(urllib.request.HTTPError) as refused:
            bank.control(path, password="guess", **form)
        assert refused.value.code == 401
        refused.value.close()


def test_whatever_is_sent_no_question_breaks_it(bank):
    """Raw bodies that no SDK would send are answered with a 4xx."""
    nonsense = [
        b"\xff\xfe",
        b"amount[a]=1&amount=2",
        b"amount=1&amount[a]=2",
        b"a[b[c]=1",
        b"metadata=1&amount=1&currency=clp",
        b"metadata[a][b]=1&amount=1&currency=clp",
        b"expand=1&amount=1&currency=clp",
        b"expand[0][a]=1&amount=1&currency=clp",
        b"amount=99999999999999999999&currency=clp",
        "amount=١&currency=clp".encode(),
        b"a[b][c][d][e][f][g][h][i]=1",
        b"amount[0]=1&currency=clp",
        b"amount=1&currency[0]=clp",
        b"amount=1&currency=clp&payment_method_options[card]=1",
        b"amount=1&currency=clp&transfer_data=1",
        b"amount=1&currency=clp&confirm=maybe",
        b"a=" + b"x" * 1_100_000,
    ]
    for body in nonsense:
        request = urllib.request.Request(
            f"{bank.url}/v1/payment_intents", data=body, headers={"Authorization": f"Bearer {KEY}"}
        )
        with pytest.raises(urllib.request.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code in (400, 413), body[:60]
        refused.value.close()
