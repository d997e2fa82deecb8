"""A voucher pays a part: whoever does it gets the same, and nobody overdraws it."""

from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test import Client

from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.money import Money
from apps.ledger.models import Entry, Journal
from apps.orders import changes
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.payments import operations as payments
from apps.payments.models import Payment
from apps.places.models import City
from apps.pricing import operations as pricing
from apps.pricing.models import Line, Payee, Quote, Tariff, Voucher, VoucherUse
from tests import factories, rides
from tests.factories import CITY, NOON
from tests.races import LONGEST, at_once

pytestmark = pytest.mark.django_db(transaction=True)

OFFICER = Actor(Kind.OFFICER, "1")


@pytest.fixture
def town():
    return rides.town()


def issue(town, code="VERANO", **more):
    terms = {
        "flat_minor": 1_000,
        "budget_minor": 10_000,
        "uses_most": 10,
        "valid": DateTimeTZRange(NOON - timedelta(days=1), NOON + timedelta(days=30)),
        "reason": "the summer begins",
    }
    return pricing.issue_voucher(
        city_id=town.city.pk, code=code, terms=terms | more, by=OFFICER, at=NOON
    )


def place(town, code="VERANO", at=NOON, card=True, key=None, rider=None) -> Order:
    rider = rider or town.rider
    quote = town.quote(at)
    basket = orders.place(
        key=key or uuid4(),
        quote_refs=[quote.ref],
        consumer_id=rider.pk,
        card_id=town.card.pk if card else None,
        voucher=code,
        by=rider.acting(Kind.CONSUMER),
        at=at,
    )
    return basket.orders.get()


def refused(town, **asked) -> str:
    with pytest.raises(pricing.NotUsable) as no:
        place(town, **asked)
    return str(no.value)


def booked(order, kind) -> dict[str, int]:
    entries = Entry.objects.filter(journal__about=order.ref, journal__kind=kind)
    return dict(entries.values_list("account__code", "amount_minor"))


def on_the_way(town, order, at=NOON) -> Order:
    town.step(order, "authorise", CITY, at)
    town.on_shift(at=at)
    return town.accept(town.offer(order, at=at), at)


class TestPaying:
    def test_the_card_is_asked_for_the_rest(self, town):
        voucher = issue(town)
        order = place(town, "  verano ")

        assert Payment.objects.get(holder=order.basket.ref).amount_minor == order.total_minor - 1000
        voucher.refresh_from_db()
        assert (voucher.used, voucher.spent_minor) == (1, 1_000)

    def test_the_driver_gets_as_much_as_ever_and_the_city_pays_the_part(self, town):
        issue(town)
        order = town.drive(on_the_way(town, place(town)))
        payment = Payment.objects.get(holder=order.basket.ref)
        paid_by_card = dict(payment.attempts.get(kind="CAPTURE").split)
        by_voucher = booked(order, "voucher")

        assert by_voucher.pop("city:la-serena:vouchers") == 1_000
        parts = {code: paid_by_card.get(code, 0) - by_voucher.get(code, 0)
                 for code in {*paid_by_card, *by_voucher}}  # fmt: skip
        shares = {f"provider:{order.provider_id}:payable": order.quote.part_of("PROVIDER"),
                  "platform:fees": order.quote.part_of("PLATFORM"),
                  "city:la-serena:fees": order.quote.part_of("CITY"),
                  "tax:la-serena:vat": order.quote.part_of("TAX")}  # fmt: skip
        assert parts == shares
        assert order.charged_minor == order.total_minor

    def test_a_share_is_paid_up_to_its_most(self, town):
        issue(town, flat_minor=0, share_bp=5_000, most_minor=700)
        order = place(town)

        assert VoucherUse.objects.get(holder=order.ref).promised_minor == 700

    def test_a_voucher_that_pays_all_of_it_asks_no_bank(self, town):
        issue(town, flat_minor=9_000)
        order = place(town)

        assert not Payment.objects.filter(holder=order.basket.ref).exists()
        rides.relay_all(NOON)
        order.refresh_from_db()
        assert order.stage == "searching"

    def test_the_platforms_own_voucher_is_paid_by_the_platform(self, town):
        issue(town, issuer="PLATFORM")
        order = town.drive(on_the_way(town, place(town)))

        assert booked(order, "voucher")["platform:vouchers"] == 1_000


@pytest.mark.parametrize(
    ("minor", "currency", "charged"),
    [(1, "CLP", 1), (1, "EUR", 50), (50, "EUR", 50), (51, "EUR", 51), (1, "BHD", 10),
     (10, "BHD", 10), (1_001, "KWD", 1_010), (30, "JPY", 50)],
)  # fmt: skip
def test_what_is_left_for_the_card_is_a_sum_that_it_can_pay(minor, currency, charged):
    assert payments.chargeable(Money(minor, currency)) == Money(charged, currency)


class TestChanges:
    """Another way costs more or less: the voucher stays what it was."""

    def change(self, town, order, metres):
        quote = Quote.objects.create(
            **{
                field.name: getattr(order.quote, field.name)
                for field in Quote._meta.concrete_fields
                if field.name not in ("id", "ref", "replaces", "total_minor", "lines")
            },
            replaces=order.quote,
            total_minor=order.total_minor + metres,
            lines=[*order.quote.lines, Line("distance", metres, Payee.PROVIDER).frozen()],
        )
        return changes.accept(
            ref=order.ref, quote_ref=quote.ref, by=town.rider.acting(Kind.CONSUMER), at=NOON
        )

    def test_dearer_the_card_is_asked_for_the_difference_alone(self, town):
        issue(town)
        order = on_the_way(town, place(town))
        change = self.change(town, order, 500)

        assert Payment.objects.get(holder=change.holder).amount_minor == 500

    def test_cheaper_nobody_is_asked_and_the_voucher_pays_less(self, town):
        issue(town)
        order = on_the_way(town, place(town))
        change = self.change(town, order, -300)
        assert (change.holder, change.state) == (None, "AGREED")

        order.refresh_from_db()
        town.drive(order)
        assert VoucherUse.objects.get().taken_minor == 700

    def test_what_a_voucher_pays_whole_cannot_be_changed(self, town):
        issue(town, flat_minor=9_000)
        order = place(town)
        rides.relay_all(NOON)
        order.refresh_from_db()
        town.on_shift()
        order = town.accept(town.offer(order))

        assert not changes.may_change(order)


class TestNotNeeded:
    def test_called_off_for_nothing_it_can_be_used_again(self, town):
        voucher = issue(town)
        order = place(town)
        town.step(order, "cancel", town.rider.acting(Kind.CONSUMER), reason="changed_plans")

        voucher.refresh_from_db()
        assert (voucher.used, voucher.spent_minor) == (0, 0)
        assert not Journal.objects.filter(kind="voucher").exists()
        assert place(town, at=NOON + timedelta(minutes=1))

    def test_a_fee_for_calling_off_is_the_cards_and_not_the_vouchers(self, town):
        issue(town)
        order = on_the_way(town, place(town))
        late = NOON + timedelta(minutes=10)
        town.step(order, "cancel", town.rider.acting(Kind.CONSUMER), late, reason="changed_plans")

        order.refresh_from_db()
        use = VoucherUse.objects.get(holder=order.ref)
        assert (order.charged_minor, use.taken_minor, use.number) == (700, 0, None)

    def test_it_helps_with_a_fee_that_the_card_did_not_promise(self, town):
        issue(town, flat_minor=2_000)
        order = on_the_way(town, place(town))
        held = Payment.objects.get(holder=order.basket.ref).amount_minor
        assert held < 700
        late = NOON + timedelta(minutes=10)
        town.step(order, "cancel", town.rider.acting(Kind.CONSUMER), late, reason="changed_plans")

        assert booked(order, "voucher")["city:la-serena:vouchers"] == 700 - held
        assert Voucher.objects.get().spent_minor == 700 - held

    def test_taken_twice_it_pays_once(self, town):
        issue(town)
        order = place(town)
        for _ in range(2):
            taken = pricing.take_voucher(holder=order.ref, needed_minor=400, by=CITY, at=NOON)
            assert taken == 400
        assert Voucher.objects.get().spent_minor == 400


class TestRefused:
    def test_in_a_word(self, town):
        issue(town)
        over = DateTimeTZRange(NOON - timedelta(days=2), NOON - timedelta(days=1))
        issue(town, "OVER", valid=over)
        issue(town, "LATER", valid=DateTimeTZRange(NOON + timedelta(days=1), None))
        issue(town, "STAYS", vertical="lodging")
        issue(town, "POOR", budget_minor=999)
        pricing.end_voucher(
            voucher_id=issue(town, "ENDED").pk, reason="a slip", by=OFFICER, at=NOON
        )

        words = ["NOBODYS", "OVER", "LATER", "STAYS", "POOR", "ENDED"]
        assert [refused(town, code=code) for code in words] == [
            "unknown", "over", "not_yet", "not_for_this", "used_up", "over",
        ]  # fmt: skip
        City.objects.update(takes_cash=True)
        assert refused(town, card=False) == "cards_only"
        assert not Order.objects.exists()

    def test_so_often_for_one_person(self, town):
        issue(town, uses_each=2)
        for minute in range(2):
            place(town, at=NOON + timedelta(minutes=minute))
        assert refused(town, at=NOON + timedelta(minutes=2)) == "used_by_you"

    def test_the_same_form_twice_is_one_order_and_another_code_is_another_form(self, town):
        issue(town)
        issue(town, "INVIERNO")
        key, quote = uuid4(), town.quote()
        asked = {
            "key": key,
            "quote_refs": [quote.ref],
            "consumer_id": town.rider.pk,
            "card_id": town.card.pk,
            "by": town.rider.acting(Kind.CONSUMER),
            "at": NOON,
        }
        first = orders.place(**asked, voucher="VERANO")
        assert orders.place(**asked, voucher=" verano") == first
        with pytest.raises(orders.KeyReused):
            orders.place(**asked, voucher="INVIERNO")
        assert VoucherUse.objects.count() == 1

    def test_the_database_itself_holds_budget_and_uses(self, town):
        voucher = issue(town)
        for wrong in ({"spent_minor": 10_001}, {"used": 11}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Voucher.objects.filter(pk=voucher.pk).update(**wrong)

    @pytest.mark.parametrize("code", ["x", "with space!", "Ñandú", "A" * 31, "-ABC"])
    def test_what_is_no_code(self, town, code):
        with pytest.raises(pricing.CodeTaken):
            issue(town, code)


class TestRaces:
    def promise(self, town, person, ref=None):
        return pricing.promise_voucher(
            code="VERANO",
            holder=ref or uuid4(),
            person_id=person.pk,
            city_id=town.city.pk,
            vertical="mobility",
            total_minor=2_450,
            currency="CLP",
            rest=lambda minor: minor,
            by=CITY,
            at=NOON,
        )

    def test_many_people_at_once_do_not_overdraw_the_budget(self, town):
        issue(town, budget_minor=3_500)
        people = [factories.UserFactory() for _ in range(8)]

        said = at_once(*(lambda one=one: self.promise(town, one) for one in people))

        assert sum(isinstance(one, VoucherUse) for one in said) == 3
        assert {str(one) for one in said if isinstance(one, Exception)} == {"used_up"}
        assert Voucher.objects.get().spent_minor == 3_000

    def test_one_person_at_once_uses_it_once(self, town):
        issue(town)

        said = at_once(*(lambda: self.promise(town, town.rider) for _ in range(8)))

        assert sum(isinstance(one, VoucherUse) for one in said) == 1
        assert {str(one) for one in said if isinstance(one, Exception)} == {"used_by_you"}
        voucher = Voucher.objects.get()
        assert (voucher.used, voucher.spent_minor) == (1, 1_000)

    def test_whoever_looks_first_and_spends_then_overdraws_it(self, town):
        """The naive control: this is what the one statement is for."""
        voucher = issue(town, budget_minor=3_500)
        people = [factories.UserFactory() for _ in range(8)]
        looked = Barrier(len(people), timeout=LONGEST)

        def naive(person):
            spent = sum(voucher.uses.values_list("promised_minor", flat=True))
            looked.wait()
            if spent + 1_000 <= voucher.budget_minor:
                VoucherUse.objects.create(
                    voucher=voucher,
                    person=person,
                    holder=uuid4(),
                    promised_minor=1_000,
                    currency="CLP",
                    promised_at=NOON,
                )

        at_once(*(lambda one=one: naive(one) for one in people))

        assert sum(voucher.uses.values_list("promised_minor", flat=True)) == 8_000


class TestSurfaces:
    @pytest.fixture
    def today(self, town):
        Tariff.objects.update(valid=factories.FOR_GOOD)
        issue(town, valid=factories.FOR_GOOD)
        return town

    def test_the_api_takes_a_code_and_says_why_not(self, today):
        client = Client()
        client.force_login(today.rider)
        quote = today.quote(clock.now())

        def ask(code):
            return client.post(
                "/api/v1/orders",
                {"quotes": [str(quote.ref)], "card": today.card.pk, "voucher": code},
                content_type="application/json",
                headers={"Idempotency-Key": str(uuid4())},
            )

        no = ask("NOBODYS")
        assert (no.status_code, no.json()["code"], no.json()["refusal"]) == (
            422, "voucher_not_usable", "unknown",
        )  # fmt: skip
        assert ask("VERANO").status_code == 201
        assert VoucherUse.objects.get().promised_minor == 1_000

    def test_the_page_says_why_not_beside_the_field_and_keeps_what_was_typed(self, today):
        client = Client()
        client.force_login(today.rider)
        quote = today.quote(clock.now())
        address = f"/rides/quotes/{quote.bundle}/"
        page = client.get(address)
        assert "I have a voucher" in page.content.decode()
        sent = {"quote": quote.ref, "card": today.card.pk, "key": uuid4(), "voucher": "nobodys"}

        no = client.post(address, sent)

        assert no.status_code == 422
        said = no.content.decode()
        assert "There is no voucher with this code. Look at how it is written." in said
        assert 'value="nobodys"' in said
        yes = client.post(address, sent | {"voucher": "verano"})
        order = Order.objects.get()
        assert yes["Location"] == f"/rides/{order.ref}/"
        receipt = client.get(f"/orders/{order.ref}/").content.decode()
        assert "A voucher pays of it up to" in receipt

    def test_an_officer_issues_and_ends_one(self, town):
        client = Client()
        client.force_login(factories.UserFactory(is_staff=True, is_superuser=True))
        form = {
            "city": town.city.pk, "code": "feria", "issuer": "CITY", "vertical": "",
            "amount": "1500", "share": "", "most": "", "budget": "90000", "uses_most": "60",
            "uses_each": "1", "since": "2026-12-01", "until": "2026-12-24",
            "reason": "the fair",
        }  # fmt: skip
        address = "/admin/pricing/voucher/add/"
        assert client.get(address).status_code == 200
        for wrong in ({"amount": "0.5"}, {"share": "10"}, {"amount": ""}, {"until": "2026-11-01"},
                      {"code": "?"}, {"budget": "9" * 30}, {"amount": "-1"}):  # fmt: skip
            assert client.post(address, form | wrong).status_code == 200
        assert not Voucher.objects.exists()
        assert client.post(address, form).status_code == 302
        voucher = Voucher.objects.get()
        assert (voucher.code, voucher.flat_minor, voucher.budget_minor) == ("FERIA", 1_500, 90_000)
        page = client.get(f"/admin/pricing/voucher/{voucher.pk}/change/")
        assert "1,500 CLP" in page.content.decode()
