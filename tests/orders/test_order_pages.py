from datetime import timedelta

import pytest
from django.test import Client

from apps.kernel import clock
from apps.reviews.models import Review
from tests import factories, rides

pytestmark = pytest.mark.django_db


@pytest.fixture
def town():
    return rides.town()


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def body(answer) -> str:
    return answer.content.decode().replace("\xa0", " ")


def done(town):
    return town.drive(town.confirm(at=clock.now()), clock.now())


def test_before_the_first_order_the_list_says_what_will_stand_there(town):
    page = body(signed_in(town.rider).get("/orders/"))

    assert "No orders yet" in page
    assert "Rides, stays and shopping will stand here together." in page


def test_what_is_under_way_comes_first_and_leads_to_its_own_page(town):
    ended, live = done(town), town.place(at=clock.now())

    page = body(signed_in(town.rider).get("/orders/"))

    assert page.index(f"/rides/{live.ref}/") < page.index(f"/orders/{ended.ref}/")
    assert "Plaza de Armas" in page


def test_a_page_of_the_list_that_is_not_there_is_the_nearest_one(town):
    done(town)

    for asked in ("0", "99", "x", "-1"):
        assert signed_in(town.rider).get("/orders/", {"page": asked}).status_code == 200


def test_the_receipt_says_what_was_paid_and_who_got_it(town):
    order = done(town)

    page = body(signed_in(town.rider).get(f"/orders/{order.ref}/"))

    assert f"{order.charged_minor:,}" in page
    assert "4242" in page
    assert "of it goes to the driver" in page
    assert order.code in page
    assert "Same way again" in page
    assert "The way back" in page
    assert "data-still" in page


def test_the_driver_sees_their_part_and_not_the_card(town):
    order = done(town)

    page = body(signed_in(town.worker.user).get(f"/orders/{order.ref}/"))

    assert "Your part" in page
    assert "4242" not in page
    assert "Same way again" not in page


def test_a_receipt_of_somebody_else_is_not_found(town):
    order = done(town)

    assert signed_in(factories.UserFactory()).get(f"/orders/{order.ref}/").status_code == 404
    assert Client().get(f"/orders/{order.ref}/").status_code == 302


def test_a_ride_called_off_late_shows_only_the_fee(town):
    order = town.confirm(at=clock.now() - timedelta(minutes=5))
    town.step(order, "cancel", town.rider.acting("consumer"), clock.now())

    page = body(signed_in(town.rider).get(f"/orders/{order.ref}/"))

    assert "Fee for calling off late" in page
    assert "CLP 700" in page
    assert "How was it?" not in page


def test_a_review_is_kept_and_stays_blind(town):
    order, rider = done(town), signed_in(town.rider)

    assert "Nobody sees it before both of you have written" in body(
        rider.get(f"/orders/{order.ref}/")
    )
    rider.post(f"/orders/{order.ref}/review/", {"stars": "5", "text": "Calm and kind"})

    review = Review.objects.get()
    assert (review.stars, review.text, review.shown_at) == (5, "Calm and kind", None)
    assert "Calm and kind" not in body(signed_in(town.worker.user).get(f"/orders/{order.ref}/"))


@pytest.mark.parametrize(
    "said", [{}, {"stars": "0"}, {"stars": "6"}, {"stars": "x"}, {"stars": "5", "text": "x" * 1001}]
)
def test_a_review_that_makes_no_sense_is_not_kept(town, said):
    order = done(town)

    answer = signed_in(town.rider).post(f"/orders/{order.ref}/review/", said, follow=True)

    assert "one to five stars" in body(answer)
    assert not Review.objects.exists()


def test_only_the_two_sides_may_review(town):
    order = done(town)

    stranger = signed_in(factories.UserFactory())
    assert stranger.post(f"/orders/{order.ref}/review/", {"stars": "5"}).status_code == 404
