"""The officers' desk for taxes and fees."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.bus.models import Event
from apps.kernel import clock
from apps.pricing import operations
from apps.pricing.models import Levy
from apps.pricing.queries import rule_of
from tests import factories
from tests import levies as levies_in_force
from tests.factories import OFFICER
from tests.pricing.test_levies_kept import RULE

pytestmark = pytest.mark.django_db

ADD = reverse("admin:pricing_levy_add")
LIST = reverse("admin:pricing_levy_changelist")
NEXT_YEAR = f"{clock.now().year + 1}"


@pytest.fixture
def city(db):
    return factories.CityFactory(timezone="Europe/Madrid", currency="EUR")


def asked(city, **changes):
    return {
        "city": city.pk,
        "number": "BCN-1",
        "code": "tourist_tax",
        "name": "Tourist tax",
        "valid_from_0": f"{NEXT_YEAR}-04-01",
        "valid_from_1": "00:00:00",
        "kind": "AMOUNT",
        "rate": "8.50",
        "per": "PERSON_NIGHT",
        "base": "",
        "times_bp": "1",
        "vertical": "lodging",
        "category": "flat",
        "age_from": "17",
        "most_parts": "7",
        "rounded": "LINE",
        "direction": "HALF_UP",
        "shares-TOTAL_FORMS": "2",
        "shares-INITIAL_FORMS": "0",
        "shares-0-to": "TAX",
        "shares-0-beneficiary": "region",
        "shares-0-weight": "450",
        "shares-1-to": "CITY",
        "shares-1-beneficiary": "",
        "shares-1-weight": "400",
        "exemptions-TOTAL_FORMS": "2",
        "exemptions-INITIAL_FORMS": "0",
        "exemptions-0-code": "ill",
        "exemptions-0-name": "Medical stays",
        "exemptions-0-proof": "a letter",
        "exemptions-0-frees": "COMPANION",
        "exemptions-1-code": "",
        "exemptions-1-name": "",
        "exemptions-1-proof": "",
        "exemptions-1-frees": "GUEST",
    } | changes


def text(answer) -> str:
    return unescape(answer.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def past(city, **changes) -> Levy:
    rule = replace(RULE, begins=datetime(2024, 1, 1, tzinfo=UTC), **changes)
    return levies_in_force.put(city, rule)


def approved(levy: Levy) -> Levy:
    return operations.approve_levy(
        levy_id=levy.pk, officer_id=factories.UserFactory().pk, by=OFFICER, at=clock.now()
    )


def test_a_preview_says_it_in_plain_words_and_sets_nothing(admin_client, city):
    page = text(admin_client.post(ADD, asked(city, _preview="1")))

    assert "EUR 8.50 for each person and night." in page
    assert "It goes to: region (450/850), the city (400/850)." in page
    # Two grown-ups, seven nights of nine.
    assert "EUR 119.00" in page
    assert "Preview: nothing is set yet" in page
    # What was typed is still there.
    assert 'value="8.50"' in page
    assert not Levy.objects.exists()


def test_it_is_set_as_it_was_said_on_the_clock_of_the_city(admin_client, city):
    answer = admin_client.post(ADD, asked(city, _save="1"))

    assert answer.status_code == 302, text(answer)
    levy = Levy.objects.get()
    assert (levy.rate, levy.most_parts, levy.age_from) == (850, 7, 17)
    assert levy.valid.lower == datetime(int(NEXT_YEAR), 3, 31, 22, tzinfo=UTC)
    rule = rule_of(levy)
    assert [(one.to, one.beneficiary, one.weight) for one in rule.shares] == [
        ("TAX", "region", 450),
        ("CITY", "", 400),
    ]
    assert [(one.code, one.frees) for one in rule.exemptions] == [("ill", "COMPANION")]
    assert levy.state == "PROPOSED"
    assert Event.objects.get(topic="pricing.levy_proposed").by.startswith("officer:")


def test_a_share_is_written_in_percent_and_a_cap_in_money(admin_client, city):
    told = {"kind": "PERCENT", "rate": "5", "base": "night, cleaning", "most_unit_minor": "4.80"}

    admin_client.post(ADD, asked(city, times_bp="3.25", _save="1", **told))

    levy = Levy.objects.get()
    assert (levy.rate, levy.base) == (500, ["night", "cleaning"])
    assert (levy.most_unit_minor, levy.times_bp) == (480, 32_500)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"kind": "PERCENT"}, "A share says of which lines it is taken; an amount does not."),
        ({"per": "NIGHT"}, "Ages and a cap for a person need something that is counted by people."),
        ({"age_below": "17"}, "The ages leave nobody."),
        (
            {"hour_from": "3", "hour_until": "4"},
            "Hours have a beginning from 0 to 23 and an end from 1 to 24; a night has none.",
        ),
        ({"rate": "8.505"}, "This is finer than can be counted."),
        ({"times_bp": "0"}, "Give a number above nothing."),
        ({"valid_from_0": "2024-01-01"}, "It cannot begin in the past: what was paid is paid."),
        ({"shares-TOTAL_FORMS": "0"}, "Please submit at least 1 form."),
        ({"shares-0-to": "PROVIDER"}, "Constraint “pricing_share_is_public” is violated."),
    ],
)
@pytest.mark.parametrize("button", ["_save", "_preview"])
def test_what_makes_no_sense_is_said_beside_the_field(
    admin_client, city, changes, complaint, button
):
    answer = admin_client.post(ADD, asked(city, **changes, **{button: "1"}))

    assert answer.status_code == 200
    assert complaint in text(answer)
    assert "Preview: nothing is set yet" not in text(answer)
    assert not Levy.objects.exists()


def test_a_number_a_zone_and_a_plan_that_do_not_fit_are_said(admin_client, city):
    admin_client.post(ADD, asked(city, _save="1"))
    approved(Levy.objects.get())
    there = factories.zone(factories.CityFactory(slug="coquimbo"))

    page = text(admin_client.post(ADD, asked(city, _save="1", zone=there.pk)))
    assert "This zone is in another city." in page
    assert "Another tax or fee of the city has this number." in page

    sooner = asked(city, _save="1", number="BCN-0", valid_from_0=f"{NEXT_YEAR}-03-01")
    assert "BCN-1 begins then or later. End it first." in text(admin_client.post(ADD, sooner))
    assert Levy.objects.count() == 1


def test_its_page_says_it_in_words_and_leads_to_the_next_version(admin_client, city):
    levy = past(city)
    page = admin_client.get(reverse("admin:pricing_levy_change", args=[levy.pk]))

    assert "From the age of 17." in text(page)
    assert "EUR 8.50 × 2 people of 3 × 7 nights of 9" in text(page)
    link = f"{ADD}?before={levy.pk}"
    assert link in text(page)

    form = text(admin_client.get(link))

    assert 'value="8.5"' in form
    assert 'value="region"' in form
    assert 'value="Medical stays"' in form


def test_the_next_version_ends_the_one_before(admin_client, city):
    before = past(city, category="flat")

    answer = admin_client.post(f"{ADD}?before={before.pk}", asked(city, _save="1", rate="9.50"))

    assert answer.status_code == 302
    after = approved(Levy.objects.get(number="BCN-1"))
    before.refresh_from_db()
    assert (before.valid.upper, after.rate, after.follows) == (after.valid.lower, 950, before)


def test_the_list_says_what_holds_what_is_planned_and_what_is_over(admin_client, city):
    past(city)
    admin_client.post(ADD, asked(city, _save="1"))
    approved(Levy.objects.get(number="BCN-1"))
    admin_client.post(ADD, asked(city, _save="1", number="BCN-2", code="cleaning"))
    over = past(city, number="old", code="old_tax")
    Levy.objects.filter(pk=over.pk).update(
        valid=(over.valid.lower, over.valid.lower + timedelta(days=1))
    )

    def shown(standing: str) -> list[str]:
        rows = admin_client.get(LIST, {"standing": standing}).context["cl"].result_list
        return [levy.number for levy in rows]

    assert (shown("holds"), shown("planned"), shown("over")) == (["2027-1"], ["BCN-1"], ["old"])
    assert shown("proposed") == ["BCN-2"]
    assert "EUR 8.50 for each person and night." in text(admin_client.get(LIST))


def end(client, levy, **told):
    client.post(LIST, {"action": "end", "_selected_action": [levy.pk], **told})
    levy.refresh_from_db()


def test_it_ends_with_a_reason(admin_client, city):
    levy = past(city)

    end(admin_client, levy)
    assert levy.valid.upper is None

    end(admin_client, levy, because="1", reason="the court said so")
    assert levy.valid.upper <= clock.now()


class TestWhoMay:
    @pytest.fixture
    def officer(self, client, city):
        user = factories.UserFactory(is_staff=True)
        client.force_login(user)

        def may(*codenames: str) -> None:
            user.user_permissions.set(Permission.objects.filter(codename__in=codenames))

        return may

    def test_without_leave_nothing_is_seen_set_or_ended(self, client, officer, city):
        levy = past(city)

        assert client.get(LIST).status_code == 403
        assert client.post(ADD, asked(city, _save="1")).status_code == 403
        end(client, levy, because="1", reason="no")

        assert Levy.objects.get().valid.upper is None

    def test_who_may_look_may_not_set_or_end(self, client, officer, city):
        levy = past(city)
        officer("view_levy")

        page = client.get(reverse("admin:pricing_levy_change", args=[levy.pk]))
        assert "Set a new version" not in text(page)
        assert client.post(ADD, asked(city, _save="1")).status_code == 403
        end(client, levy, because="1", reason="no")
        assert levy.valid.upper is None

    def test_setting_and_ending_are_two_rights(self, client, officer, city):
        levy = past(city)
        officer("view_levy", "add_levy")
        assert client.post(ADD, asked(city, _save="1")).status_code == 302
        end(client, levy, because="1", reason="no")
        assert levy.valid.upper is None

        officer("view_levy", "end_levy")
        end(client, levy, because="1", reason="the court said so")
        assert levy.valid.upper is not None

    def test_the_second_pair_of_eyes_is_another_officers(self, client, officer, city):
        officer("view_levy", "add_levy", "approve_levy")
        client.post(ADD, asked(city, _save="1"))
        levy = Levy.objects.get()
        act = {"action": "approve", "_selected_action": [levy.pk]}
        page = text(client.post(LIST, act, follow=True))
        assert "you proposed it yourself" in page
        assert Levy.objects.get().state == "PROPOSED"
        other = factories.UserFactory(is_staff=True)
        client.force_login(other)
        leave = Permission.objects.filter(codename__in=["view_levy", "add_levy"])
        other.user_permissions.set(leave)
        client.post(LIST, act)
        assert Levy.objects.get().state == "PROPOSED"
        other.user_permissions.add(Permission.objects.get(codename="approve_levy"))
        assert "is approved" in text(client.post(LIST, act, follow=True))
        assert Levy.objects.get().decided_by == other

    def test_a_rejection_wants_a_reason(self, client, officer, city, admin_client):
        admin_client.post(ADD, asked(city, _save="1"))
        levy = Levy.objects.get()
        officer("view_levy", "approve_levy")
        act = {"action": "reject", "_selected_action": [levy.pk]}
        client.post(LIST, act | {"because": "1", "reason": ""})
        assert Levy.objects.get().state == "PROPOSED"
        client.post(LIST, act | {"because": "1", "reason": "Too much."})
        kept = Levy.objects.get()
        assert (kept.state, kept.reason) == ("REJECTED", "Too much.")
        page = text(client.get(reverse("admin:pricing_levy_change", args=[levy.pk])))
        assert "Too much." in page
