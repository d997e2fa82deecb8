"""Any one process is killed in the middle of a ride, and the ride still ends well."""

import pytest

from tests.journeys.conftest import city  # noqa: F401
from tests.journeys.riding import City

pytestmark = pytest.mark.proof

# Each dies where the ride leans on it most.
MOMENTS = {
    "worker": "placed",
    "relay": "placed",
    "valkey": "placed",
    "matcher": "placed",
    "web": "on_the_way",
    "nats": "on_the_way",
    "postgres": "on_the_way",
    # Just before the money is taken: it is asked for again, once, when the bank is back.
    "sandbox": "on_board",
}


@pytest.mark.parametrize("name", MOMENTS)
def test_a_ride_ends_well_though_a_process_dies(city: City, name: str):  # noqa: F811
    killed = 0

    def at(moment: str) -> None:
        nonlocal killed
        if MOMENTS[name] == moment:
            killed = city.kill(name)

    ref = city.ride("camila", "marco", at)

    total, charged = city.rows(
        "SELECT total_minor, charged_minor FROM orders_order WHERE ref = %s"
        " AND state = 'COMPLETED'",
        ref,
    )[0]
    assert city.payment(ref) == ("CAPTURED", total, total)
    assert charged == total
    captures = city.rows(
        "SELECT attempt.succeeded FROM payments_attempt attempt"
        " JOIN payments_payment payment ON payment.id = attempt.payment_id"
        " WHERE attempt.kind = 'CAPTURE' AND payment.holder = %s",
        city.basket(ref),
    )
    assert captures == [(True,)]
    journals = city.one("SELECT count(*) FROM ledger_journal WHERE about = %s", ref)
    assert journals == 1
    assert city.booked(ref)["clearing:cards"] == total
    city.assert_books_balance()
    live = city.rows("SELECT worker_id FROM dispatch_run WHERE state = 'LIVE'")
    assert live == []

    # Whoever died is back, under a new number.
    city.until(lambda: city.platform.pids()[name] != killed)
    city.until(city.is_ready)
