"""What an officer sees of whom they inspect, and what the inspected sees of the officer."""

import re
from datetime import timedelta

import pytest

from apps.audit import office
from apps.audit.models import Look
from apps.inspection import desk
from apps.inspection.models import Inspection
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.mobility import operations as mobility
from apps.parties import operations as parties
from apps.parties.models import Appointment
from tests import factories, rides
from tests.factories import CITY
from tests.inspection.scenes import case_of, desk_of, officer, start

pytestmark = pytest.mark.django_db
NOW = "/admin/inspect/now/"


@pytest.fixture
def hernan():
    return officer()


@pytest.fixture
def browser(hernan):
    return desk_of(hernan)


@pytest.fixture
def town():
    """Camila was driven by Marco, from her door."""
    town = rides.town()
    town.rider.phone, town.worker.user.phone = "+56 9 1111 2222", "+56 9 3333 4444"
    town.rider.save()
    town.worker.user.save()
    home = rides.Stop(rides.PLAZA.point, "Balmaceda 123")
    quote = town.quote(clock.now(), pickup=home)
    order = town.step(town.place(quote, clock.now()), "authorise", CITY, clock.now())
    town.on_shift(at=clock.now())
    town.order = town.accept(town.offer(order, at=clock.now()), clock.now())
    return town


def text(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[:2000]
    return answer.content.decode()


def later(monkeypatch, **by):
    """Every page reads the clock so much later from now on."""
    then = clock.now() + timedelta(**by)
    monkeypatch.setattr(clock, "now", lambda: then)


class TestStarting:
    def test_whom_why_and_how_long_are_asked_and_the_inspection_begins(self, browser, hernan):
        camila = factories.UserFactory(email="camila@example.org")
        told = {"who": " Camila@Example.org ", "purpose": "SAFETY", "words": "She called us"}

        answer = browser.post("/admin/inspect/", told | {"minutes": "30"})

        assert (answer.status_code, answer.url) == (302, NOW)
        made = Inspection.objects.get()
        assert (made.officer, made.person, made.purpose) == (hernan, camila, "SAFETY")
        assert made.until - made.started_at == timedelta(minutes=30)
        assert browser.get("/admin/inspect/").url == NOW

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"who": "nobody@example.org"}, "nobody such whom you may inspect"),
            ({"who": "Nowhere Ltd"}, "nobody such whom you may inspect"),
            ({"words": ""}, "required"),
            ({"case": "1-1"}, "no case of this number"),
            ({"minutes": "61"}, "Select a valid choice"),
            ({"purpose": "NOSY"}, "Select a valid choice"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_begins(self, browser, change, says):
        factories.UserFactory(email="camila@example.org")
        told = {"who": "camila@example.org", "purpose": "SAFETY", "words": "x", "minutes": "15"}
        assert says in text(browser.post("/admin/inspect/", told | change), 422)
        assert not Inspection.objects.exists()

    def test_a_provider_is_found_by_its_number_and_by_its_name(self, browser):
        faro = factories.ProviderFactory(name="Taxis del Faro", tax_id="76.1-K")
        factories.MembershipFactory(provider=faro)
        for who in ("76.1-k", "taxis del faro"):
            told = {"who": who, "purpose": "RULES", "words": "x", "minutes": "15"}
            assert browser.post("/admin/inspect/", told).status_code == 302
            browser.post("/admin/inspect/end/")
        assert set(Inspection.objects.values_list("provider", flat=True)) == {faro.pk}

    def test_whoever_may_inspect_nobody_has_no_page_and_no_way_to_it(self, hernan, browser):
        clerk = desk_of(officer("clerk"))
        assert clerk.get("/admin/inspect/").status_code == 403
        assert "/admin/inspect/" not in text(clerk.get("/admin/"))
        assert "/admin/inspect/" in text(browser.get("/admin/"))


class TestLooking:
    def test_the_person_their_orders_and_a_receipt_are_shown(self, browser, hernan, town):
        start(hernan, town.rider)

        said = text(browser.get(NOW))
        assert town.rider.email in said
        assert "+56 9 1111 2222" in said
        listed = text(browser.get(f"{NOW}orders/"))
        assert f'href="{NOW}orders/{town.order.ref}/"' in listed
        receipt = text(browser.get(f"{NOW}orders/{town.order.ref}/"))
        assert "Balmaceda 123" in receipt
        assert "Visa ·· 4242" in receipt
        assert "CLP\xa02,450" in receipt.replace("&nbsp;", "\xa0") or "CLP" in receipt

    def test_each_page_is_a_line_that_the_person_reads_at_once(self, browser, hernan, town):
        made = start(hernan, town.rider)
        pages = ["", "orders/", f"orders/{town.order.ref}/", "papers/", "earnings/"]
        for page in pages:
            text(browser.get(NOW + page))

        assert list(Look.objects.order_by("pk").values_list("person", "what", "row")) == [
            (town.rider.pk, "parties.user", str(town.rider.pk)),
            (town.rider.pk, "orders.order", town.order.code),
            (town.rider.pk, "orders.order", town.order.code),
            (town.rider.pk, "regulation.permit", "0"),
            (town.rider.pk, "settlement.payout", "0"),
        ]
        assert set(Look.objects.values_list("inspection", flat=True)) == {made.ref}
        mine = text(desk_of(town.rider).get("/me/looks/"))
        assert mine.count("Hernán Silva</b>") == 5
        assert mine.count("Why: A complaint: a lost bag") == 5
        assert mine.count("Part of an inspection") == 5
        first = desk_of(town.rider).get("/api/v1/me/looks").json()["results"][0]
        assert first["inspection"] == str(made.ref)

    def test_nothing_of_others_and_no_secret_is_on_any_page(self, browser, hernan, town):
        """Of the driver the rider's inspection says initials; the other way round as well."""
        order, driver = town.order, town.worker.user
        _, secret = parties.issue_token(
            user_id=town.rider.pk, name="x", expires_at=None, by=CITY, at=clock.now()
        )
        _, link = mobility.share_ride(
            order_id=order.pk, by=town.rider.acting(Kind.CONSUMER), at=clock.now()
        )
        case_of(town.rider, "Marco Tapia was late")
        for person, other in ((town.rider, driver), (driver, town.rider)):
            start(hernan, person)
            pages = ["", "orders/", f"orders/{order.ref}/", "papers/", "earnings/"]
            said = "".join(text(browser.get(NOW + page)) for page in pages)
            for hidden in (other.name, other.email, other.phone, secret, link):
                assert hidden not in said, (person, hidden)
            assert not re.search(rf">\s*{order.ride.code}\s*<", said)
            # Two forms stand in the frame of the office, and there is no other.
            forms = re.findall(r'<form[^>]*action="([^"]*)"', said)
            assert set(forms) == {"/admin/inspect/end/", "/admin/logout/"}
            assert said.count("<form") == len(forms)
            browser.post("/admin/inspect/end/")

    def test_whoever_drove_is_not_shown_the_door_and_the_card(self, browser, hernan, town):
        start(hernan, town.worker.user)
        said = text(browser.get(f"{NOW}orders/{town.order.ref}/"))
        assert "Balmaceda to Faro Monumental" in said
        assert "123" not in re.sub(r"<head.*?</head>", "", said, flags=re.DOTALL).replace(
            str(town.order.ref), ""
        )
        assert "4242" not in said
        assert "C. R." in said

    def test_orders_of_others_are_not_there_and_leave_no_line(self, browser, hernan, town):
        start(hernan, factories.UserFactory())
        assert browser.get(f"{NOW}orders/{town.order.ref}/").status_code == 404
        assert browser.get(f"{NOW}earnings/{town.order.ref}/").status_code == 404
        assert not Look.objects.exists()

    def test_of_a_provider_its_permits_and_orders_are_shown(self, browser, hernan, town):
        provider = town.worker.provider
        start(hernan, None, provider_id=provider.pk)
        assert Inspection.objects.get().of == provider.name
        assert "M. T." in text(browser.get(NOW))
        assert town.order.code in text(browser.get(f"{NOW}orders/"))
        assert provider.permits.get().number in text(browser.get(f"{NOW}papers/"))
        assert set(Look.objects.values_list("person", flat=True)) == {town.worker.user_id}

    def test_an_inspector_sees_the_orders_of_their_district_and_no_payouts(self, town):
        zone = factories.ZoneFactory(city=town.city)
        ana = officer("inspector", zone.pk, "Ana Reyes")
        type(town.order).objects.filter(pk=town.order.pk).update(district=zone)
        start(ana, town.rider)
        browser = desk_of(ana)

        assert town.order.code in text(browser.get(f"{NOW}orders/"))
        assert "Earnings" not in text(browser.get(NOW))
        assert browser.get(f"{NOW}earnings/").status_code == 404

        type(town.order).objects.filter(pk=town.order.pk).update(district=None)
        assert browser.get(f"{NOW}orders/").status_code == 403

    def test_the_banner_is_on_every_page_of_the_office(self, browser, hernan, town):
        start(hernan, town.rider)
        for page in ("/admin/", "/admin/who-may-do-what/", NOW, "/admin/parties/user/"):
            said = text(browser.get(page))
            assert "You inspect Camila Rojas" in said, page
            assert 'action="/admin/inspect/end/"' in said, page
        browser.post("/admin/inspect/end/")
        assert "You inspect" not in text(browser.get("/admin/"))

    def test_on_a_page_of_a_person_the_purpose_serves_and_no_other_is_asked(
        self, hernan, browser, town
    ):
        hernan.is_superuser = True
        hernan.save()
        made = start(hernan, town.rider)
        said = text(browser.get(f"/admin/parties/user/{town.rider.pk}/change/"))
        assert "You look as part of your inspection: “A complaint: a lost bag”" in said
        assert 'action="/office/why/"' not in said
        trail = text(browser.get(f"/admin/mobility/ride/{town.order.ref}/trail/"))
        assert 'name="reason"' not in trail

        kept = list(Look.objects.order_by("pk").values_list("person", "why", "inspection"))
        why = "A complaint: a lost bag"
        # The driver sees the look at the ride, too; it is no inspection of the driver.
        assert kept[0] == (town.rider.pk, why, made.ref)
        assert sorted(kept[1:], key=str) == sorted(
            [(town.rider.pk, why, made.ref), (town.worker.user_id, why, None)], key=str
        )
        other = text(browser.get(f"/admin/parties/user/{town.worker.user_id}/change/"))
        assert 'action="/office/why/"' in other


class TestOver:
    def test_when_its_time_is_over_an_honest_page_says_so(self, browser, hernan, town, monkeypatch):
        start(hernan, town.rider)
        text(browser.get(NOW))
        later(monkeypatch, minutes=15)

        said = text(browser.get(f"{NOW}orders/"), 403)

        assert "Your inspection of Camila Rojas ended on" in said
        assert "its time was over" in said
        assert town.order.code not in said
        assert Look.objects.count() == 1

    def test_without_any_inspection_nothing_is_shown(self, browser):
        assert "No inspection is under way" in text(browser.get(NOW), 403)

    def test_ended_by_hand_it_is_over(self, browser, hernan, town):
        start(hernan, town.rider)
        assert browser.post("/admin/inspect/end/").status_code == 302
        assert "the officer ended it" in text(browser.get(NOW), 403)
        assert Inspection.objects.get().ending == "BY_HAND"

    def test_whoever_signs_out_has_ended_it(self, browser, hernan, town):
        start(hernan, town.rider)
        assert browser.post("/accounts/logout/").status_code == 302
        assert Inspection.objects.get().ending == "SIGNED_OUT"
        assert browser.get(NOW).status_code == 302

    def test_so_has_whoever_lost_the_role(self, browser, hernan, town):
        start(hernan, town.rider)
        parties.give_role(user_id=hernan.pk, role="clerk", reason="x", by=CITY, at=clock.now())
        held = Appointment.objects.get(user=hernan, role="administrator")
        parties.take_role(appointment_id=held.pk, reason="x", by=CITY, at=clock.now())
        assert "may not inspect them any more" in text(browser.get(NOW), 403)
        assert not Look.objects.exists()

    def test_another_officer_does_not_look_through_it(self, hernan, town):
        start(hernan, town.rider)
        assert desk_of(officer(name="Ana Reyes")).get(NOW).status_code == 403
        assert desk_of(town.rider).get(NOW).status_code == 302

    def test_a_second_officer_sees_who_inspected_whom_and_what_was_seen(
        self, browser, hernan, town
    ):
        made = start(hernan, town.rider)
        text(browser.get(f"{NOW}orders/"))
        auditor = desk_of(officer("auditor", name="Luz Vega"))
        listed = text(auditor.get("/admin/inspection/inspection/"))
        assert "Hernán Silva" in listed
        assert "Camila Rojas" in listed
        one = text(auditor.get(f"/admin/inspection/inspection/{made.pk}/change/"))
        assert f"orders.order {town.order.code}" in one
        assert desk_of(officer("clerk")).get("/admin/inspection/inspection/").status_code == 403


def test_no_purpose_is_known_to_whoever_inspects_nobody(rf, hernan):
    request = rf.get("/")
    request.user, request.session = hernan, {}
    assert desk.purpose(request, {1}, clock.now()) is None
    assert office.purpose_of(request, {1}, clock.now()) == office.Purpose("")
