"""A bank that wants to hear from the payer: 3-D Secure, at a real sandbox bank."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.test import Client

from apps.bus.models import Event
from apps.dispatch.models import Job
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.notifications.models import Notice
from apps.orders import live, tips
from apps.orders import operations as orders
from apps.orders.models import Order
from apps.payments import gateway, operations, queries, tasks
from apps.payments.gateway import Answer, Confirm, StripeGateway
from apps.payments.models import Attempt, Customer, Payment
from apps.pricing.models import Tariff
from tests import factories, rides
from tests.payments import city
from tests.payments.city import balances, fresh, relay
from tests.payments.line import Line
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

# 4000 0027 6000 3184 always asks; 4000 0025 0000 3155 asks until it was set up.
ALWAYS, UNTIL_SET_UP = "pm_card_authenticationRequired", "pm_card_threeDSecureRequired"


@pytest.fixture
def town(bank, transactional_db, settings):
    settings.PUBLIC_URL = "https://city.example"
    town = rides.town()
    Tariff.objects.update(valid=factories.FOR_GOOD)
    town.wallet = city.Town(bank, town.worker.provider, town.rider, town.card)
    bank_of_ours = StripeGateway(bank.env["STRIPE_API_KEY"], bank.url)
    known = bank_of_ours.open_customer(email=town.rider.email, name="Camila", key=str(uuid4()))
    Customer.objects.filter(user=town.rider).update(reference=known)
    town.rider.cards.all().delete()
    town.card = town.wallet.card_like(ALWAYS)
    return town


@pytest.fixture
def order(town) -> Order:
    """Placed, and the bank wants to hear from the rider."""
    order = town.place(at=clock.now())
    relay()
    return Order.objects.get(pk=order.pk)


def payment_of(order) -> Payment:
    return Payment.objects.get(holder=order.basket.ref)


def question(order) -> Attempt:
    return payment_of(order).attempts.get(kind="AUTHORISE")


def at_the_bank(town, order, answer: str):
    """What the rider's browser does on the bank's page; where it is led is returned."""
    return town.wallet.bank.visit(payment_of(order).confirm_page, {"answer": answer}).to


def sweep():
    """What the schedule does, when the attempts are due."""
    Attempt.objects.filter(answered_at=None).update(due_at=clock.now())
    tasks.ask_again_unanswered()
    relay()


def too_late(order):
    Payment.objects.filter(holder=order.basket.ref).update(confirm_by=clock.now())


def comes_back(order, user=None):
    client = Client()
    client.force_login(user or order.consumer)
    return client.get(f"/orders/{order.ref}/back/", {"redirect_status": "succeeded"})


def shown(user, address, **more):
    client = Client(**more)
    client.force_login(user)
    return client.get(address)


def state(order) -> tuple[str, str, str]:
    order.refresh_from_db()
    return payment_of(order).state, order.stage, order.reason


def told(topic):
    return [event.body for event in Event.objects.filter(topic=topic).order_by("pk")]


class TestWaiting:
    @pytest.mark.parametrize("card", [ALWAYS, UNTIL_SET_UP])
    def test_the_order_stays_open_and_nothing_else_of_it_begins(self, town, card):
        town.card = town.wallet.card_like(card)
        order = town.place(at=clock.now())
        relay()

        assert state(order) == ("CONFIRM", "paying", "")
        assert Job.objects.get(holder=order.ref).state == "WAITING"
        (intent,) = town.wallet.intents()
        assert (intent.status, intent.id) == ("requires_action", payment_of(order).reference)
        back = intent.next_action.redirect_to_url.return_url
        assert back == f"https://city.example/orders/{order.ref}/back/"
        assert question(order).answered_at is None
        assert told("payments.confirm_wanted") == [
            {"payment": payment_of(order).pk, "holder": str(order.basket.ref)}
        ]
        assert balances() == {}

    def test_the_rider_has_ten_minutes_and_the_bank_is_asked_again_before(self, order):
        payment, asked = payment_of(order), question(order)

        assert timedelta(seconds=595) < payment.confirm_by - clock.now() < timedelta(minutes=10)
        assert asked.due_at - clock.now() < timedelta(seconds=21)

    def test_the_rider_is_told_wherever_they_are(self, order):
        notice = Notice.objects.get(user=order.consumer, kind="confirm_payment")

        assert notice.link == f"/rides/{order.ref}/"

    def test_the_page_leads_to_the_bank_and_the_api_names_its_page(self, town, order):
        page = shown(town.rider, f"/rides/{order.ref}/").content.decode()
        assert "Your bank wants to hear from you" in page
        assert f'href="/orders/{order.ref}/bank/"' in page

        lead = shown(town.rider, f"/orders/{order.ref}/bank/")
        assert (lead.status_code, lead["Location"]) == (302, payment_of(order).confirm_page)
        assert "no-store" in lead["Cache-Control"]

        told = shown(town.rider, f"/api/v1/orders/{order.ref}").json()["confirm"]
        assert told["page"] == payment_of(order).confirm_page
        assert told["until"][:16] == payment_of(order).confirm_by.isoformat()[:16]
        assert live.state_of(order, clock.now())["confirm"]["page"] == told["page"]

    def test_in_spanish(self, town, order):
        page = shown(town.rider, f"/rides/{order.ref}/", headers={"accept-language": "es"})

        assert "Confirmar en tu banco" in page.content.decode()

    def test_asking_again_while_the_rider_thinks_changes_nothing(self, order):
        before = payment_of(order)

        for _ in range(3):
            sweep()
            comes_back(order)

        assert payment_of(order).confirm_by == before.confirm_by
        assert state(order) == ("CONFIRM", "paying", "")
        assert len(told("payments.confirm_wanted")) == 1
        # However often it was asked, its next turn stays near.
        assert question(order).due_at - clock.now() < timedelta(seconds=21)

    def test_a_card_off_the_list_is_kept_by_the_bank_until_it_has_heard(self, town, order):
        town.rider.cards.update(removed_at=clock.now())

        assert not queries.to_forget().exists()


class TestTheAnswer:
    def test_confirmed_and_back_the_order_goes_on(self, town, order):
        back = at_the_bank(town, order, "approve")
        assert urlsplit(back).path == f"/orders/{order.ref}/back/"

        answer = comes_back(order)
        relay()

        assert (answer.status_code, answer["Location"]) == (302, f"/rides/{order.ref}/")
        assert state(order) == ("AUTHORISED", "searching", "")
        assert payment_of(order).confirm_page == ""
        assert Job.objects.get(holder=order.ref).state == "SEARCHING"
        assert live.state_of(order, clock.now())["confirm"] is None
        (intent,) = town.wallet.intents()
        assert (intent.status, intent.amount_capturable) == ("requires_capture", order.total_minor)

    def test_confirmed_and_never_back_the_sweep_finds_out(self, town, order):
        at_the_bank(town, order, "approve")

        sweep()

        assert state(order) == ("AUTHORISED", "searching", "")

    def test_coming_back_twice_is_coming_back_once(self, town, order):
        at_the_bank(town, order, "approve")

        for _ in range(3):
            assert comes_back(order).status_code == 302
            relay()

        assert len(told("payments.authorised")) == 1
        assert len(town.wallet.intents()) == 1

    def test_what_the_address_says_is_not_believed(self, town, order):
        # It says that it succeeded; the bank has heard nobody.
        comes_back(order)
        relay()
        assert state(order) == ("CONFIRM", "paying", "")

        back = at_the_bank(town, order, "refuse")
        assert parse_qs(urlsplit(back).query)["redirect_status"] == ["failed"]
        comes_back(order)
        relay()
        assert state(order) == ("REFUSED", "refused", "rejected")

    def test_refused_at_the_bank_it_is_over_in_words_and_nothing_is_left_to_pay(self, town, order):
        at_the_bank(town, order, "refuse")
        comes_back(order)
        relay()

        assert state(order) == ("REFUSED", "refused", "rejected")
        assert [intent.status for intent in town.wallet.intents()] == ["canceled"]
        assert Job.objects.get(holder=order.ref).state == "RELEASED"
        page = shown(town.rider, f"/rides/{order.ref}/").content.decode()
        assert "Your bank did not get your confirmation." in page
        assert "The payment was not confirmed at your bank" in page
        assert balances() == {}

    def test_refused_and_first_heard_from_the_bank_itself(self, town, order):
        at_the_bank(town, order, "refuse")
        facts = gateway.ours().intent(reference=payment_of(order).reference)

        operations.heed_intent(facts=facts, by=tasks.PAYMENTS, at=clock.now())
        relay()

        assert state(order) == ("REFUSED", "refused", "rejected")
        (intent,) = town.wallet.intents()
        assert intent.status == "canceled"

    def test_a_ride_confirmed_late_is_sought_as_long_as_any(self, town, order):
        Order.objects.filter(pk=order.pk).update(placed_at=clock.now() - timedelta(minutes=9))
        Job.objects.update(search_until=clock.now() + timedelta(minutes=1))

        at_the_bank(town, order, "approve")
        comes_back(order)
        relay()

        left = Job.objects.get(holder=order.ref).search_until - clock.now()
        assert timedelta(seconds=590) < left <= timedelta(minutes=10)

    def test_the_whole_ride_is_paid_with_what_was_confirmed(self, town, order):
        at_the_bank(town, order, "approve")
        comes_back(order)
        relay()
        now = clock.now()
        town.on_shift(at=now)
        order = town.accept(town.offer(order, at=now), now)
        town.drive(order, now)
        rides.relay_all(now + timedelta(hours=1))

        assert payment_of(order).state == "CAPTURED"
        assert balances()[city.CLEARING] == order.total_minor

        # For a tip nobody is led anywhere: the same card is refused, and the receipt asks again.
        later = now + timedelta(hours=1)
        tips.give(
            ref=order.ref,
            amount_minor=500,
            card_id=town.card.pk,
            key=uuid4(),
            by=town.rider.acting(Kind.CONSUMER),
            at=later,
        )
        rides.relay_all(later)
        tip = tips.of(order)
        assert (tip.state, tip.refusal) == ("REFUSED", "needs_confirmation")
        page = shown(town.rider, f"/orders/{order.ref}/").content.decode()
        assert "Your bank refused Visa ·· 3184 for the tip." in page


class TestTimeAndChange:
    def test_unconfirmed_for_ten_minutes_it_is_given_back_and_over(self, town, order):
        too_late(order)

        sweep()

        assert state(order) == ("REFUSED", "refused", "unconfirmed")
        assert [intent.status for intent in town.wallet.intents()] == ["canceled"]
        page = shown(town.rider, f"/rides/{order.ref}/").content.decode()
        assert "Your bank waited ten minutes for your confirmation." in page
        lead = shown(town.rider, f"/orders/{order.ref}/bank/")
        assert lead["Location"] == f"/rides/{order.ref}/"

    def test_confirmed_in_time_and_heard_of_too_late_it_counts(self, town, order):
        at_the_bank(town, order, "approve")
        too_late(order)

        sweep()

        assert state(order) == ("AUTHORISED", "searching", "")

    def test_called_off_meanwhile_nothing_hangs_and_the_bank_forgets_it(self, town, order):
        by = town.rider.acting(Kind.CONSUMER)
        town.step(order, "cancel", by, clock.now())
        relay()

        assert state(order) == ("CANCELLED", "cancelled", "")
        assert [intent.status for intent in town.wallet.intents()] == ["canceled"]
        assert question(order).error == "withdrawn"
        assert told("payments.refused") == []
        comes_back(order)
        relay()
        assert state(order) == ("CANCELLED", "cancelled", "")

    def test_called_off_while_the_bank_was_being_asked(self, town):
        order = town.place(at=clock.now())
        asked = operations.begin(attempt_id=question(order).pk, by=tasks.PAYMENTS, at=clock.now())
        town.step(order, "cancel", town.rider.acting(Kind.CONSUMER), clock.now())
        tasks.ask(attempt_id=asked.pk)
        relay()

        assert state(order)[:2] == ("CANCELLED", "cancelled")
        assert [intent.status for intent in town.wallet.intents()] == ["canceled"]

    @pytest.mark.parametrize("turn", range(3))
    def test_called_off_and_confirmed_at_once_leaves_no_money_hanging(self, town, order, turn):
        at_the_bank(town, order, "approve")

        at_once(
            lambda: town.step(order, "cancel", town.rider.acting(Kind.CONSUMER), clock.now()),
            lambda: tasks.hear_payer(holder=order.basket.ref),
        )
        relay()

        assert state(order)[:2] == ("CANCELLED", "cancelled")
        assert [intent.status for intent in town.wallet.intents()] == ["canceled"]

    def test_heard_by_eight_at_once_it_goes_on_once(self, town, order):
        at_the_bank(town, order, "approve")

        at_once(*[lambda: tasks.hear_payer(holder=order.basket.ref)] * 8)
        relay()

        assert state(order) == ("AUTHORISED", "searching", "")
        assert len(told("payments.authorised")) == 1


class TestFaults:
    def test_killed_before_we_could_note_the_banks_page_asks_for_it_again(self, town, settings):
        with Line(town.wallet.bank.url) as line:
            settings.STRIPE_API_BASE = line.url
            line.fail("after", 2)
            order = town.place(at=clock.now())
            relay()
            assert payment_of(order).state == "OPENED"
            sweep()

        assert state(order) == ("CONFIRM", "paying", "")
        assert len(town.wallet.intents()) == 1

    def test_killed_between_the_refusal_and_our_note_of_it(self, town, order, settings):
        at_the_bank(town, order, "refuse")
        with Line(town.wallet.bank.url) as line:
            settings.STRIPE_API_BASE = line.url
            # The bank cancels, and we do not hear of it.
            line.fail("after", 2)
            assert comes_back(order).status_code == 302
            assert state(order) == ("CONFIRM", "paying", "")
            sweep()

        assert state(order) == ("REFUSED", "refused", "rejected")

    def test_with_nobody_at_the_bank_the_page_says_so_and_the_sweep_goes_on(
        self, town, order, settings
    ):
        right = settings.STRIPE_API_BASE
        at_the_bank(town, order, "approve")
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"
        page = comes_back(order)
        assert page.status_code == 302
        assert state(order) == ("CONFIRM", "paying", "")

        settings.STRIPE_API_BASE = right
        sweep()
        assert state(order) == ("AUTHORISED", "searching", "")

    def test_an_answer_that_came_another_way_stands(self, town, order):
        """As when the gateway's own news of it was faster than we."""
        at_the_bank(town, order, "approve")
        operations.record(
            attempt_id=question(order).pk,
            answer=Answer(True, payment_of(order).reference),
            by=tasks.PAYMENTS,
            at=clock.now(),
        )
        stale = Confirm(payment_of(order).reference, "https://hooks.stripe.com/old")
        operations.await_payer(
            attempt_id=question(order).pk, wanted=stale, by=tasks.PAYMENTS, at=clock.now()
        )
        comes_back(order)
        relay()

        assert state(order) == ("AUTHORISED", "searching", "")
        assert payment_of(order).confirm_page == ""


class TestStrangers:
    def test_nobody_else_is_led_to_the_bank_or_back(self, order):
        stranger = factories.UserFactory()

        for page in ("bank", "back"):
            address = f"/orders/{order.ref}/{page}/"
            assert shown(stranger, address).status_code == 404
            assert "/accounts/login/" in Client().get(address)["Location"]
            assert shown(order.consumer, address, enforce_csrf_checks=True).status_code == 302

    def test_nothing_of_a_request_decides_where_it_leads(self, town, order):
        evil = "https://evil.example/"
        asked = f"?next={evil}&url={evil}&page={evil}&redirect={evil}"

        there = shown(town.rider, f"/orders/{order.ref}/bank/{asked}")["Location"]
        assert there == payment_of(order).confirm_page
        assert shown(town.rider, f"/orders/{order.ref}/back/{asked}")["Location"] == (
            f"/rides/{order.ref}/"
        )

    @pytest.mark.parametrize(
        "page",
        [
            "https://evil.example/",
            "http://hooks.stripe.com/x",
            "https://stripe.com.evil.example/",
            "https://evilstripe.com/",
            "javascript:alert(1)",
            "//hooks.stripe.com/x",
            "",
        ],
    )
    def test_stripe_itself_is_followed_only_to_its_own_pages(self, page):
        class Intent:
            id = "pi_1"

            class next_action:  # noqa: N801 -- as the SDK names it
                class redirect_to_url:  # noqa: N801
                    url = page

        real = StripeGateway("sk_live_x")
        with pytest.raises(gateway.NotUnderstood, match="no page of its own"):
            real._wanted(Intent)

    def test_stripes_own_page_is_followed(self):
        class Intent:
            id = "pi_1"

            class next_action:  # noqa: N801
                class redirect_to_url:  # noqa: N801
                    url = "https://hooks.stripe.com/3d_secure_2/x"

        assert StripeGateway("sk_live_x")._wanted(Intent) == Confirm(
            "pi_1", "https://hooks.stripe.com/3d_secure_2/x"
        )


class TestWithNobodyThere:
    def test_a_payment_for_which_nobody_waits_is_refused_as_ever(self, town):
        payment = town.wallet.authorised(card=town.card)

        assert (payment.state, payment.refusal) == ("REFUSED", "needs_confirmation")
        assert fresh(payment).confirm_page == ""

    def test_two_orders_of_the_same_quote_are_still_one(self, town, order):
        again = orders.place(
            key=order.basket.ref,
            quote_refs=[order.quote.ref],
            consumer_id=town.rider.pk,
            card_id=town.card.pk,
            by=town.rider.acting(Kind.CONSUMER),
            at=clock.now(),
        )

        assert again.pk == order.basket_id
        assert len(town.wallet.intents()) == 1
