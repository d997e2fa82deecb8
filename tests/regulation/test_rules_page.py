"""The city's rules for everybody, and the ways that lead there."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.safestring import mark_safe

from apps.kernel import clock
from apps.pricing.models import Tariff
from apps.regulation import operations, refusals
from apps.regulation.models import Decision
from tests import rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import FOR_GOOD, OFFICER, CityFactory, ZoneFactory
from tests.policies import approved, drafted, enforced, officers, proposed

pytestmark = pytest.mark.django_db
RULES = reverse("regulation:rules")


def rule(number):
    return reverse("regulation:rule", args=[number])


@pytest.fixture
def book():
    """One rule in force with a past, one planned, one stopped, one that is not yet any."""
    now = clock.now()
    ZoneFactory(slug="beach", name="Playa")
    first = enforced("closed", scope={"zones": ["beach"], "verticals": ["mobility"]},
                     title="No pick-ups at the beach", at=now - timedelta(days=90))  # fmt: skip
    second = proposed("closed", scope={"zones": ["beach"], "verticals": ["mobility"],
                                       "hour_from": "22:00", "hour_to": "06:00"},
                      title="None at night", policy_id=first.policy_id, at=now)  # fmt: skip
    approved(second, at=now - timedelta(days=2))
    approved(proposed("fee", {"flat_minor": 800}, title="A fee", at=now), at=now,
             begins=now + timedelta(days=9))  # fmt: skip
    stopped = enforced("commission", {"most_bp": 500}, title="At most 5 %", at=now)
    operations.stop_policy(version_id=stopped.pk, officer_id=officers()[0].pk,
                           reason="It was a mistake.", by=OFFICER, at=now)  # fmt: skip
    drafted("commission", {"most_bp": 600}, title="Secret draft", at=now)
    return now


class TestThePage:
    def test_everybody_reads_what_holds_and_what_is_planned(self, client, book):
        page = client.get(RULES)

        assert [
            (standing, [str(said.version) for _entry, said in rules])
            for standing, rules in page.context["groups"]
        ] == [("in_force", ["P-1/2"]), ("planned", ["P-2/1"])]
        text = page.content.decode().replace("\xa0", " ")
        assert "No pick-ups in Playa, between 22:00 and 06:00, for rides." in text
        assert "The city asks a fee of CLP 800." in text
        assert "Tests need rules." in text
        assert "Secret draft" not in text
        assert [one["properties"]["slug"] for one in page.context["shapes"]["features"]] == [
            "beach"
        ]

    def test_a_rule_has_an_address_with_its_history(self, client, book):
        text = client.get(rule("P-1")).content.decode()
        assert text.index("P-1/2, in force") < text.index("P-1/1, ended")
        assert 'id="v1"' in text

        stopped = client.get(rule("P-3")).content.decode()
        assert "This rule holds no more." in stopped
        assert "It was a mistake." in stopped
        # Who did what is in the record; the page is about the rule.
        assert officers()[0].name not in stopped

    @pytest.mark.parametrize("number", ["P-4", "P-99", "x"])
    def test_drafts_and_what_never_was_are_not_found(self, client, book, number):
        assert client.get(rule(number)).status_code == 404

    def test_it_stands_in_the_foot_of_every_page(self, client):
        CityFactory()
        assert f'href="{RULES}"' in client.get("/help/").content.decode()
        assert "No rule is in force." in client.get(RULES).content.decode()

    def test_no_city_no_rules(self, client):
        assert client.get(RULES).status_code == 200
        assert client.get("/api/v1/rules").status_code == 404

    def test_programs_read_the_same(self, client, book):
        told = client.get("/api/v1/rules", headers={"accept-language": "es"}).json()

        assert [(one["number"], one["version"], one["standing"]) for one in told["rules"]] == [
            ("P-1", 2, "in_force"),
            ("P-2", 1, "planned"),
        ]
        first = told["rules"][0]
        assert first["words"] == [
            "No se recoge a nadie en Playa, entre las 22:00 y las 06:00, para viajes."
        ]
        assert first["scope"]["zones"] == ["beach"]
        assert (first["kind"], first["terms"], first["ends"]) == ("closed", {}, None)


class TestTheWaysThere:
    def test_a_number_in_a_text_is_a_link_and_the_rest_is_text(self):
        said = refusals.with_links("Fee <b> (rule P-7/2), see P-12; not XP-3")

        assert said == (
            'Fee &lt;b&gt; (rule <a href="/rules/P-7/#v2">P-7/2</a>),'
            ' see <a href="/rules/P-12/">P-12</a>; not XP-3'
        )
        assert refusals.with_links(mark_safe("<i>P-7</i>")) == "<i>P-7</i>"

    def test_a_price_line_leads_to_its_rule(self, client):
        town, now = rides.town(), clock.now()
        Tariff.objects.update(valid=FOR_GOOD)
        enforced("fee", {"flat_minor": 800}, city=town.city, at=now)
        client.force_login(town.rider)

        quote = town.quote(at=now)
        page = client.get(reverse("mobility:choose", args=[quote.bundle])).content.decode()

        assert 'City fee (rule <a href="/rules/P-1/#v1">P-1/1</a>)' in page

    def test_a_refusal_leads_to_its_rule(self, client):
        town = rides.town()
        enforced("closed", city=town.city, title="Nobody drives today.", at=clock.now())
        client.force_login(town.rider)
        ends = {}
        for end, stop in (("start", rides.PLAZA), ("to", rides.FARO)):
            ends |= {end: stop.name, f"{end}_lat": stop.point.lat, f"{end}_lon": stop.point.lon}

        page = client.post("/rides/", ends).content.decode()

        assert 'Nobody drives today. (rule <a href="/rules/P-1/#v1">P-1/1</a>)' in page

    def test_whoever_is_known_is_led_to_an_appeal(self, client):
        town = rides.town()
        enforced("closed", city=town.city, title="Nobody drives today.", at=clock.now())
        ends = {}
        for end, stop in (("start", rides.PLAZA), ("to", rides.FARO)):
            ends |= {end: stop.name, f"{end}_lat": stop.point.lat, f"{end}_lon": stop.point.lon}

        visitor = client.post("/rides/", ends).content.decode()
        client.force_login(town.rider)
        rider = client.post("/rides/", ends).content.decode()

        decision = Decision.objects.order_by("-pk").first()
        way = reverse("regulation:appeal", args=[decision.ref])
        assert f'<a href="{way}">Appeal</a>' in rider
        assert client.get(way).status_code == 200
        assert "Appeal</a>" not in visitor


@pytest.mark.django_db(transaction=True)
@each_look
def test_the_rules_in_a_browser(new_page, site, book, width, theme):
    page = new_page(width=width, theme=theme, lang="es" if theme == "dark" else "en")
    told = watch(page)
    for name, address in {"rules": RULES, "rule": rule("P-1"), "stopped": rule("P-3")}.items():
        page.goto(f"{site}{address}")
        assert_accessible(page)
        screenshot(page, f"{name}-{width}-{theme}", full=True)
    assert told == []
