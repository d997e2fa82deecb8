import pytest
from django.db import IntegrityError, transaction

from apps.audit import operations as audit
from apps.audit.models import Record
from apps.bus import operations as bus
from tests.factories import ADA, NOON


def recorded():
    bus.publish("tests.unheard_of", by=ADA, at=NOON, thing=7)
    bus.relay(at=NOON)
    return Record.objects.get()


@pytest.mark.django_db
class TestRecord:
    def test_everything_is_on_record_and_nobody_has_to_remember_it(self):
        record = recorded()

        assert (record.topic, record.body) == ("tests.unheard_of", {"thing": 7})
        assert (record.by, record.happened_at, record.source) == ("consumer:1", NOON, "task")

    def test_a_batch_of_events_is_put_on_record_in_one_statement(self, django_assert_num_queries):
        kept = {"topic": "tests.kept", "by": ADA, "at": NOON, "source": "task"}
        with django_assert_num_queries(3):  # one between a savepoint and its release
            audit.keep(events=[{"event": number, **kept} for number in range(1, 101)])

        assert Record.objects.count() == 100

    def test_keeping_an_event_twice_is_harmless(self):
        record = recorded()

        again = {"event": record.event, "topic": "another", "by": ADA, "at": NOON, "source": "x"}
        audit.keep(events=[again, again])

        assert Record.objects.get().topic == "tests.unheard_of"

    def test_the_record_does_not_bend(self):
        record = recorded()

        for bend in (
            lambda: Record.objects.update(by="nobody:0"),
            lambda: Record.objects.all().delete(),
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                bend()
        assert Record.objects.get() == record
        assert Record.objects.get().by == "consumer:1"
