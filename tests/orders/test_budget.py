"""What placing an order may cost, pinned; and that the benchmark measures what people use."""

import pytest

from apps.bus import operations as bus
from apps.orders import operations as orders
from tests.benchmarks import bus as bus_benchmark
from tests.benchmarks.orders import statements_of
from tests.rides import town


@pytest.mark.django_db(transaction=True)
class TestBudget:
    def test_a_ride_is_placed_with_eighteen_statements(self):
        assert statements_of(town()) == 18

    def test_a_statement_more_in_the_house_is_a_statement_more_in_the_figure(self, monkeypatch):
        here, publish = town(), bus.publish

        def louder(topic, **told):
            publish(topic, **told)
            if topic == "orders.placed":
                publish("orders.gossiped", **told)

        monkeypatch.setattr(orders.bus, "publish", louder)

        assert statements_of(here) == 19

    def test_the_measure_of_the_bus_goes_through_the_bus(self, monkeypatch):
        told = []
        monkeypatch.setattr(bus, "publish", lambda topic, **_: told.append(topic))

        bus_benchmark.publish(3)

        assert told == [bus_benchmark.TOPIC] * 3
