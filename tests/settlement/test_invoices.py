"""Every issuer's numbers follow one another without a gap, whatever is rolled back in between."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext

from apps.kernel import clock
from apps.ledger import operations as ledger
from apps.orders.models import Order
from apps.payments import operations as payments
from apps.payments.gateway import Answer
from apps.payments.models import Attempt, Payment
from apps.settlement import operations
from apps.settlement.models import Invoice, InvoiceSeries
from tests import rides
from tests.factories import CITY, NOON, CityFactory, ProviderFactory, UserFactory
from tests.orders import test_vouchers
from tests.races import at_once
from tests.rides import relay_all

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 11, 1, 7, tzinfo=UTC)
DAY = date(2026, 11, 1)


@pytest.fixture
def marco(transactional_db):
    CityFactory(slug="la-serena")
    return ProviderFactory(name="Marco Tapia", tax_id="76.123.456-7")


class Stop(Exception):
    pass


def issue(provider, consumer, key=None, fails=False):
    with transaction.atomic():
        made = operations.issue(
            key=key or str(uuid4()),
            kind=Invoice.Kind.INVOICE,
            provider=provider,
            lines=[{"label": "Ride", "minor": 2450, "to": "PROVIDER"}],
            currency="CLP",
            day=DAY,
            consumer=consumer,
            recipient_name="Camila Rojas",
            by=CITY,
            at=AT,
        )
        if fails:
            raise Stop
    return made


class TestNumbers:
    def test_each_issuer_counts_on_their_own(self, marco):
        camila = UserFactory()

        codes = [issue(one, camila).code for one in (marco, None, marco, ProviderFactory())]

        assert codes == ["F-2026-000001", "F-2026-000001", "F-2026-000002", "F-2026-000001"]

    def test_from_eight_sides_with_every_third_rolled_back_there_is_no_gap(self, marco):
        camila = UserFactory()

        def work(side):
            for turn in range(6):
                with suppress(Stop):
                    issue(marco, camila, fails=(side + turn) % 3 == 0)

        assert at_once(*[lambda n=n: work(n) for n in range(8)]) == [None] * 8

        numbers = list(Invoice.objects.order_by("pk").values_list("number", flat=True))
        assert numbers == list(range(1, 33))
        assert InvoiceSeries.objects.get().last == 32

    def test_numbers_from_a_sequence_have_gaps(self, marco):
        """The naive control: a sequence does not come back when a transaction is rolled back."""
        with connection.cursor() as cursor:
            cursor.execute("CREATE SEQUENCE naive_numbers")
        taken = []

        def work(side):
            for turn in range(6):
                try:
                    with transaction.atomic(), connection.cursor() as cursor:
                        cursor.execute("SELECT nextval('naive_numbers')")
                        number = cursor.fetchone()[0]
                        if (side + turn) % 3 == 0:
                            raise Stop
                except Stop:
                    pass
                else:
                    taken.append(number)

        try:
            at_once(*[lambda n=n: work(n) for n in range(8)])
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP SEQUENCE naive_numbers")

        assert len(taken) == 32
        assert sorted(taken) != list(range(1, 33))

    def test_the_same_key_from_eight_sides_is_one_invoice(self, marco):
        camila = UserFactory()

        made = at_once(*[lambda: issue(marco, camila, key="order:1")] * 8)

        assert {one.pk for one in made} == {Invoice.objects.get().pk}
        assert InvoiceSeries.objects.get().last == 1

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE settlement_invoice SET total_minor = 1",
            "DELETE FROM settlement_invoice",
            "UPDATE settlement_invoiceseries SET last = 5",
            "UPDATE settlement_invoiceseries SET last = 0",
            "DELETE FROM settlement_invoiceseries",
        ],
    )
    def test_what_was_issued_cannot_be_changed(self, marco, change):
        issue(marco, UserFactory())

        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)

    def test_nothing_is_no_invoice(self, marco):
        with pytest.raises(ValueError, match="nothing"):
            operations.issue(
                key="x",
                kind=Invoice.Kind.INVOICE,
                provider=marco,
                lines=[],
                currency="CLP",
                day=DAY,
                by=CITY,
                at=AT,
            )
        assert not InvoiceSeries.objects.filter(last__gt=0).exists()


@pytest.fixture
def ride(transactional_db):
    """A ride that is paid: captured as the bank's answer would have it."""
    town = rides.town()
    order = town.drive(town.confirm())
    paid(order)
    return Order.objects.get(pk=order.pk)


def paid(order):
    """Let the bank say yes to the capture."""
    payment = Payment.objects.get(holder=order.basket.ref)
    capture = Attempt.objects.get(payment=payment, kind=Attempt.Kind.CAPTURE)
    if capture.answered_at is None:
        answer = Answer(True, "pi_1")
        payments.record(attempt_id=capture.pk, answer=answer, by=CITY, at=clock.now())


class TestOrders:
    def test_a_paid_ride_is_invoiced_once_by_whoever_drove(self, ride):
        for _ in range(2):
            operations.invoice_order(order_id=ride.pk, by=CITY, at=AT)

        invoice = Invoice.objects.get()
        assert (invoice.code, invoice.provider, invoice.consumer) == (
            "F-2026-000001",
            ride.provider,
            ride.consumer,
        )
        assert invoice.total_minor == ride.charged_minor == 2608
        assert sum(line["minor"] for line in invoice.lines) == 2608

    def test_what_is_given_back_is_credited_and_says_what(self, ride):
        refund = payments.refund(
            holder=ride.basket.ref,
            amount_minor=700,
            split=[(f"provider:{ride.provider_id}:payable", 700)],
            about=ride.ref,
            reason="late",
            by=CITY,
            at=clock.now(),
        )
        assert refund is not None
        attempt = Attempt.objects.get(kind=Attempt.Kind.REFUND)
        operations.invoice_order(order_id=ride.pk, by=CITY, at=AT)
        assert Invoice.objects.count() == 1

        Attempt.objects.filter(pk=attempt.pk).update(
            asked_at=AT, answered_at=AT, succeeded=True, reference="re_1"
        )
        for _ in range(2):
            operations.invoice_payment(payment_id=attempt.payment_id, by=CITY, at=AT)

        invoice, credit = Invoice.objects.order_by("pk")
        assert (credit.code, credit.kind, credit.total_minor) == ("N-2026-000001", "CREDIT", 700)
        assert credit.credits == invoice

    def test_a_refund_that_came_back_is_invoiced_again(self, ride):
        payments.refund(
            holder=ride.basket.ref,
            amount_minor=700,
            split=[(f"provider:{ride.provider_id}:payable", 700)],
            about=ride.ref,
            by=CITY,
            at=clock.now(),
        )
        refund = Attempt.objects.filter(kind=Attempt.Kind.REFUND)
        refund.update(asked_at=AT, answered_at=AT, succeeded=True, reference="re_1")
        operations.invoice_order(order_id=ride.pk, by=CITY, at=AT)

        refund.update(succeeded=False, error="expired_or_canceled_card")
        for _ in range(2):
            operations.invoice_order(order_id=ride.pk, by=CITY, at=AT)

        again = Invoice.objects.order_by("pk").last()
        assert [one.code for one in Invoice.objects.order_by("pk")] == [
            "F-2026-000001",
            "N-2026-000001",
            "F-2026-000002",
        ]
        assert (again.total_minor, again.order) == (700, ride)
        assert again.lines[0]["label"] == "Not given back after all: N-2026-000001"

    def test_a_ride_that_a_voucher_pays_whole_is_invoiced_when_it_is_done(self, transactional_db):
        town = rides.town()
        test_vouchers.issue(town, flat_minor=9_000)
        order = test_vouchers.place(town)
        relay_all(NOON)
        town.on_shift()
        order = town.drive(town.accept(town.offer(order)))
        relay_all(NOON + timedelta(hours=1))

        invoice = Invoice.objects.get()
        assert (invoice.order, invoice.total_minor) == (order, order.total_minor)

    def test_before_it_is_paid_there_is_no_invoice(self, transactional_db):
        town = rides.town()
        order = town.confirm()

        assert operations.invoice_order(order_id=order.pk, by=CITY, at=AT) is None
        relay_all(AT)
        assert not Invoice.objects.exists()


class TestFees:
    def book(self, ride, minor, key, at=datetime(2026, 10, 15, 12, tzinfo=UTC), kind="capture"):
        ledger.post(
            key=key,
            kind=kind,
            about=ride.ref,
            lines=[("clearing:cards", minor), ("platform:fees", -minor)],
            currency="CLP",
            by=CITY,
            at=at,
        )

    def test_the_platforms_fees_of_a_month_are_one_invoice(self, ride):
        self.book(ride, 77, "a")
        self.book(ride, 100, "b")
        self.book(ride, -7, "c", kind="refund")
        self.book(ride, 9, "d", at=datetime(2026, 10, 1, 2, 59, tzinfo=UTC))  # September there

        for _ in range(2):
            operations.invoice_fees(city=ride.city, day=DAY, at=AT)

        invoice = Invoice.objects.get()
        assert (invoice.issuer, invoice.recipient, invoice.total_minor) == (
            "platform",
            ride.provider,
            170,
        )
        assert [(line["kind"], line["minor"]) for line in invoice.lines] == [
            ("capture", 177),
            ("refund", -7),
        ]

    def test_a_month_in_which_more_came_back_is_a_credit_note(self, ride):
        self.book(ride, 77, "a", at=datetime(2026, 9, 15, 12, tzinfo=UTC))
        self.book(ride, -20, "b", kind="refund")
        operations.invoice_fees(city=ride.city, day=date(2026, 10, 3), at=AT)
        operations.invoice_fees(city=ride.city, day=DAY, at=AT)

        invoice, credit = Invoice.objects.order_by("pk")
        assert (credit.kind, credit.total_minor, credit.credits) == ("CREDIT", 20, invoice)

    def test_a_month_is_summed_in_its_first_whole_night_and_not_every_night(self, ride):
        self.book(ride, 77, "a")
        night = datetime(2026, 11, 1, 7, tzinfo=UTC)
        operations.settle_due(at=night)
        assert Invoice.objects.get(issuer="platform").total_minor == 77

        with CaptureQueriesContext(connection) as asked:
            operations.settle_due(at=night + timedelta(days=1))

        assert asked.captured_queries
        assert not [one for one in asked.captured_queries if "platform:fees" in one["sql"]
                    and "booked_at" in one["sql"]]  # fmt: skip

    def test_a_second_city_with_other_clocks_does_not_invoice_the_same_hours_again(self, ride):
        # October in La Serena, and September still on the island.
        self.book(ride, 9, "a", at=datetime(2026, 10, 1, 4, tzinfo=UTC))
        CityFactory(slug="rapa-nui", timezone="Pacific/Easter", currency="CLP")
        later = datetime(2026, 10, 1, 9, tzinfo=UTC)  # four in the morning there

        operations.settle_due(at=later)
        operations.settle_due(at=datetime(2026, 11, 1, 9, tzinfo=UTC))

        platform = Invoice.objects.filter(issuer="platform")
        assert [(one.total_minor, one.lines[0]["month"]) for one in platform] == [(9, "2026-10")]
