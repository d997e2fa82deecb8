"""The officers' desk for policies: drafted by one, approved by another, stopped at once."""

import re
from dataclasses import fields
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from apps.bus.models import Event
from apps.kernel import clock
from apps.regulation import rulebook
from apps.regulation.forms_policies import RuleForm, label_of
from apps.regulation.models import Policy, PolicyVersion
from apps.regulation.rulebook import Standing
from apps.regulation.rules import KINDS, Scope
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import NOON, CityFactory, ProviderFactory, UserFactory, ZoneFactory
from tests.policies import approved, drafted, enforced, proposed

pytestmark = pytest.mark.django_db
LIST = reverse("admin:regulation_policy_changelist")
ALL = ("view_policy", "propose_policy", "approve_policy", "stop_policy")


def officer(client, *permissions, **about):
    user = UserFactory(is_staff=True, **about)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


@pytest.fixture
def valentina(client):
    return officer(client, *ALL)


def draft_url(kind):
    CityFactory()
    return reverse("admin:regulation_policy_draft", args=[kind])


def act_url(version, act):
    return reverse("admin:regulation_policy_act", args=[version.pk, act])


def page_of(version):
    return reverse("admin:regulation_policy_change", args=[version.policy_id])


def written(**rest):
    """What a browser sends of a form for a fee at night."""
    return {
        "title": "A fee at night",
        "why": "The night buses cost money.",
        "terms_flat_minor": "800",
        "terms_share_bp": "2.5",
        "scope_zones": ["centre"],
        "scope_ends": ["pickup"],
        "scope_weekdays": ["4", "5"],
        "scope_hour_from": "22:00",
        "scope_hour_to": "06:00",
        "scope_season_from_0": "",
        "scope_season_from_1": "",
        "scope_season_to_0": "",
        "scope_season_to_1": "",
        "scope_verticals": ["mobility"],
    } | rest


class TestTheForm:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_has_a_field_with_a_label_for_all_that_it_says(self, kind):
        city = CityFactory()
        form = RuleForm(kind=kind, city=city)

        asked = {name.removeprefix("terms_") for name in form.fields if name.startswith("terms_")}
        assert asked == {one.name for one in fields(KINDS[kind])}
        assert all(str(label_of(kind, name)) for name in asked)
        held = {name.removeprefix("scope_") for name in form.fields if name.startswith("scope_")}
        streets = {"ends"} if kind in ("speed", "crisis") else set()
        assert held == {one.name for one in fields(Scope)} - streets

    def test_people_write_money_and_shares_as_they_say_them(self, client, valentina):
        ZoneFactory()

        answer = client.post(draft_url("fee"), written())

        version = PolicyVersion.objects.get()
        assert answer.url == f"{page_of(version)}#v1"
        assert version.terms == {"flat_minor": 800, "share_bp": 250}
        assert version.scope == {
            "zones": ["centre"],
            "ends": ["pickup"],
            "weekdays": [4, 5],
            "hour_from": "22:00",
            "hour_to": "06:00",
            "verticals": ["mobility"],
        }
        assert (version.drafted_by, version.state) == (valentina, "DRAFT")

    def test_cents_are_cents(self, client, valentina):
        CityFactory(currency="EUR")

        client.post(
            draft_url("price"),
            written(terms_floor_minor="4.50", terms_surge_most_bp="1.5", scope_zones=[]),
        )

        said = PolicyVersion.objects.get().terms
        assert said == {"floor_minor": 450, "surge_most_bp": 15_000}

    def test_what_was_kept_is_shown_as_people_write_it(self, client, valentina):
        CityFactory(currency="EUR")
        version = drafted(
            "price",
            {"floor_minor": 450, "surge_most_bp": 15_000},
            scope={"season_from": "12-05", "season_to": "03-15", "hour_from": "22:00",
                   "hour_to": "06:00"},
        )  # fmt: skip

        page = client.get(reverse("admin:regulation_policy_next", args=[version.policy_id]))

        form = page.context["form"]
        assert form["terms_floor_minor"].value() == 4.5
        assert 'value="4.50"' in str(form["terms_floor_minor"])
        assert 'value="1.5"' in str(form["terms_surge_most_bp"])
        assert 'value="22:00"' in str(form["scope_hour_from"])
        season = re.findall(r'<option value="(\d+)" selected', str(form["scope_season_from"]))
        assert season == ["5", "12"]

    @pytest.mark.parametrize(
        ("kind", "changes", "field", "complaint"),
        [
            ("fee", {"scope_hour_to": ""}, "scope_hour_to", "Give both hours, or none."),
            ("fee", {"scope_hour_to": "22:00"}, "scope_hour_to",
             "It ends at another hour than it begins."),
            ("fee", {"scope_ends": []}, "scope_ends", "Choose one at least."),
            ("fee", {"scope_season_from_0": "1", "scope_season_from_1": "5"}, "scope_season_to",
             "Give both days, or none."),
            ("fee", {"scope_season_from_0": "31", "scope_season_from_1": "2",
                     "scope_season_to_0": "1", "scope_season_to_1": "3"}, "scope_season_from",
             "There is no such day."),
            ("fee", {"terms_flat_minor": "-1"}, "terms_flat_minor",
             "Ensure this value is greater than or equal to 0."),
            ("fee", {"terms_share_bp": "101"}, "terms_share_bp", "At most 100 %."),
            ("fee", {"terms_flat_minor": "", "terms_share_bp": ""}, None,
             "The rule says nothing yet: fill in a sum or a share."),
            ("price", {"terms_floor_minor": "900", "terms_ceiling_minor": "800"},
             "terms_ceiling_minor", "The highest price is not below the lowest."),
            ("price", {"terms_surge_most_bp": "0.9"}, "terms_surge_most_bp",
             "At least 1, the tariff itself."),
            ("price", {}, "terms_floor_minor", "Give one bound at least."),
            ("limit", {"terms_fact": "guests"}, "terms_most", "Give a most, a least, or both."),
            ("limit", {"terms_fact": "guests", "terms_most": "1", "terms_least": "2"},
             "terms_most", "The most is not below the least."),
            ("subsidy", {"terms_flat_minor": "", "terms_share_bp": ""}, "terms_flat_minor",
             "Give a sum, a share, or both."),
            ("hours", {"terms_opens": "08:00", "terms_closes": "08:00"}, "terms_closes",
             "It closes at another hour than it opens."),
            ("commission", {}, "terms_most_bp", "This field is required."),
            ("fee", {"title": ""}, "title", "This field is required."),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said_at_its_field(
        self, client, valentina, kind, changes, field, complaint
    ):
        ZoneFactory()

        page = client.post(draft_url(kind), written(**changes))

        assert page.status_code == 200
        assert page.context["form"].errors.get(field or "__all__") == [complaint]
        assert not PolicyVersion.objects.exists()

    def test_no_complaint_of_a_rule_is_left_in_english(self):
        with translation.override("es"):
            form = RuleForm(
                written(scope_hour_to="", scope_zones=[]), kind="fee", city=CityFactory()
            )
            assert form.errors["scope_hour_to"] == ["Indica ambas horas, o ninguna."]

    def test_it_is_read_aloud_while_it_is_written(self, client, valentina):
        ZoneFactory()
        preview = reverse("admin:regulation_policy_preview", args=["fee"])

        said = client.post(preview, written(title="", why="")).content.decode()
        assert said.replace("\xa0", " ").count("<p>") == 1
        assert (
            "The city asks a fee of CLP 800 plus 2.5 % of the fare, for rides from Centre, "
            "on Fridays and Saturdays between 22:00 and 06:00."
        ) in said.replace("\xa0", " ")

        assert "no rule yet" in client.post(preview, written(scope_hour_to="")).content.decode()
        assert not PolicyVersion.objects.exists()

    def test_zones_drawn_since_appear_with_the_ticks_kept(self, client, valentina):
        ZoneFactory()
        ZoneFactory(slug="port")

        page = client.get(
            reverse("admin:regulation_policy_zones"), {"scope_zones": "centre"}
        ).content.decode()

        assert re.findall(r'value="(\w+)"[^>]* checked', page) == ["centre"]
        assert '"slug": "port"' in page


class TestTheWayIntoForce:
    def test_one_proposes_another_approves_a_third_stops(self, client, valentina):
        ZoneFactory()
        client.post(draft_url("fee"), written())
        version = PolicyVersion.objects.get()
        client.post(act_url(version, "propose"))

        page = client.get(page_of(version)).content.decode()
        assert "You drafted or proposed it yourself" in page
        assert act_url(version, "approve") not in page
        refused = client.post(act_url(version, "approve"), {})
        assert refused.context["form"].non_field_errors() == [
            "You drafted or proposed it yourself: another officer decides on it."
        ]

        second = officer(client, *ALL)
        assert client.get(act_url(version, "approve")).status_code == 200
        client.post(act_url(version, "approve"), {"begins": "", "ends": ""})
        version.refresh_from_db()
        assert (version.state, version.decided_by) == ("APPROVED", second)

        officer(client, "view_policy", "stop_policy")
        assert client.post(act_url(version, "stop"), {"reason": " "}).status_code == 200
        client.post(act_url(version, "stop"), {"reason": "The buses run again."})
        version.refresh_from_db()
        assert version.reason == "The buses run again."
        assert rulebook.standing_of(version, clock.now()) == Standing.STOPPED
        assert [event.topic for event in Event.objects.order_by("pk")] == [
            "regulation.policy_drafted",
            "regulation.policy_proposed",
            "regulation.policy_approved",
            "regulation.policy_stopped",
        ]

    def test_a_planned_start_is_the_citys_hour(self, client, valentina):
        version = proposed("commission", {"most_bp": 500})

        client.post(
            act_url(version, "approve"),
            {"begins": "2099-06-01T08:00", "ends": "2099-07-01T00:00"},
        )

        version.refresh_from_db()
        assert version.valid.lower.isoformat() == "2099-06-01T12:00:00+00:00"
        assert version.valid.upper.isoformat() == "2099-07-01T04:00:00+00:00"
        assert "2099" in client.get(page_of(version)).content.decode()

    @pytest.mark.parametrize(
        ("kind", "hours", "complaint"),
        [
            ("commission", {"begins": "2020-01-01T00:00"}, "It would begin in the past"),
            ("commission", {"ends": "2020-01-01T00:00"}, "It would begin in the past"),
            ("crisis", {}, "An emergency needs an end."),
        ],
    )
    def test_what_cannot_be_approved_so_says_why(self, client, valentina, kind, hours, complaint):
        version = proposed(kind, {"most_bp": 500} if kind == "commission" else {})

        page = client.post(act_url(version, "approve"), hours)

        assert complaint in page.context["form"].non_field_errors()[0]
        version.refresh_from_db()
        assert version.state == "PROPOSED"

    def test_a_rejection_has_a_reason_that_everybody_at_the_desk_reads(self, client, valentina):
        version = proposed("commission", {"most_bp": 500})

        client.post(act_url(version, "reject"), {"reason": "Too little to live on."})

        page = client.get(page_of(version)).content.decode()
        assert "Too little to live on." in page
        again = client.post(act_url(version, "approve"), {})
        assert "Another officer was faster" in again.context["form"].non_field_errors()[0]

    def test_the_next_version_begins_from_the_last(self, client, valentina):
        version = enforced("commission", {"most_bp": 500}, title="At most 5 %")
        after = reverse("admin:regulation_policy_next", args=[version.policy_id])

        form = client.get(after).context["form"]
        assert (form["title"].value(), form["terms_most_bp"].value()) == ("At most 5 %", 5)
        asked = {"title": "At most 4 %", "why": "Less.", "terms_most_bp": "4",
                 "scope_ends": ["pickup", "at"]}  # fmt: skip
        client.post(after, asked)
        client.post(after, asked | {"terms_most_bp": "3"})

        second = PolicyVersion.objects.get(version=2)
        assert (second.policy_id, second.terms) == (version.policy_id, {"most_bp": 300})
        client.post(act_url(second, "propose"))
        waits = client.post(after, asked)
        assert "Another officer was faster" in waits.context["form"].non_field_errors()[0]


class TestTheList:
    def test_what_waits_for_approval_comes_first_and_each_says_how_it_stands(
        self, client, valentina
    ):
        proposed("commission", {"most_bp": 500}, title="Waits")
        now = clock.now()
        held = enforced("commission", {"most_bp": 600}, title="Holds", at=now)
        drafted("commission", {"most_bp": 700}, policy_id=held.policy_id, title="Next")
        drafted("commission", {"most_bp": 800}, title="Draft")
        later = proposed("commission", {"most_bp": 900}, title="Planned")
        approved(later, at=now, begins=now + timedelta(days=400))

        rows = client.get(LIST).context["cl"].result_list
        desk = client.get(LIST).context["cl"].model_admin

        said = [(row.number, desk.says(row), desk.standing(row)) for row in rows]
        assert said == [
            ("P-1", "Waits", "waits for approval"),
            ("P-4", "Planned", "planned"),
            ("P-3", "Draft", "draft"),
            ("P-2", "Holds", "in force; next version: draft"),
        ]
        for worklist, numbers in {
            "proposed": ["P-1"],
            "draft": ["P-3", "P-2"],
            "in_force": ["P-2"],
            "planned": ["P-4"],
            "ended": [],
            "stopped": [],
        }.items():
            found = client.get(LIST, {"worklist": worklist}).context["cl"].result_list
            assert [row.number for row in found] == numbers

    def test_it_asks_no_more_of_many_policies_than_of_few(
        self, client, valentina, django_assert_num_queries
    ):
        enforced("commission", {"most_bp": 600})
        client.get(LIST)
        with CaptureQueriesContext(connection) as one:
            client.get(LIST)
        for most in range(5):
            enforced("commission", {"most_bp": most})
        with django_assert_num_queries(len(one)):
            client.get(LIST)


class TestWhoMay:
    @pytest.mark.parametrize(
        ("permissions", "answers"),
        [
            ((), (403, 403, 403, 403, 403)),
            (("view_policy",), (200, 403, 403, 403, 403)),
            (("view_policy", "propose_policy"), (200, 200, 403, 403, 403)),
            (("view_policy", "approve_policy"), (200, 403, 200, 200, 403)),
            (("view_policy", "stop_policy"), (200, 403, 403, 403, 200)),
        ],
    )
    def test_each_step_has_its_permission(self, client, permissions, answers):
        version = proposed("commission", {"most_bp": 500})
        officer(client, *permissions)

        asked = [page_of(version), draft_url("fee")]
        asked += [act_url(version, act) for act in ("approve", "reject", "stop")]

        assert tuple(client.get(url).status_code for url in asked) == answers

    def test_nobody_from_outside_comes_in(self, client):
        version = proposed("commission", {"most_bp": 500})
        client.force_login(UserFactory())
        preview = reverse("admin:regulation_policy_preview", args=["fee"])
        for url in (LIST, page_of(version), draft_url("fee"), act_url(version, "stop"), preview):
            assert client.get(url).status_code == 302
        officer(client, "view_policy")
        assert client.post(preview, written()).status_code == 403
        assert client.post(page_of(version), {"number": "P-9"}).status_code == 403
        assert Policy.objects.get().number == "P-1"


@pytest.mark.django_db(transaction=True)
@each_look
def test_the_desk_in_a_browser(new_page, site, client, width, theme):
    ProviderFactory(name="Taxis del Faro")
    ZoneFactory(slug="centre", name="Centro")
    enforced("closed", scope={"zones": ["centre"], "verticals": ["mobility"]}, title="No cars",
             at=NOON - timedelta(days=400))  # fmt: skip
    waits = proposed("fee", {"flat_minor": 800}, title="A fee")
    officer(client, *ALL, "view_zone")
    page = new_page(width=width, theme=theme)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
    )
    told = watch(page)

    page.goto(f"{site}{LIST}")
    page.get_by_text("waits for approval").first.wait_for()
    screenshot(page, f"desk-list-{width}-{theme}")
    page.goto(f"{site}{page_of(waits)}")
    screenshot(page, f"desk-policy-{width}-{theme}", full=True)
    assert_accessible(page)
    page.goto(f"{site}{act_url(waits, 'approve')}")
    screenshot(page, f"desk-approve-{width}-{theme}", full=True)
    assert_accessible(page)
    page.goto(f"{site}{reverse('admin:regulation_policy_add')}")
    assert_accessible(page)
    screenshot(page, f"desk-kinds-{width}-{theme}", full=True)
    page.get_by_role("link", name="Closed zone or street").click()
    page.get_by_label("Centro").check()
    page.get_by_label("Fridays").check()
    page.get_by_label("Rides").check()
    page.get_by_label("From the hour").fill("22:00")
    page.get_by_label("To the hour").fill("06:00")
    preview = page.locator("#preview")
    words = "No pick-ups in Centro, on Fridays between 22:00 and 06:00, for rides."
    preview.get_by_text(words).wait_for()
    assert_accessible(page)
    screenshot(page, f"desk-draft-{width}-{theme}", full=True)
    page.get_by_role("button", name="Keep the draft").click()
    page.get_by_text("Something here needs another look.").wait_for()
    assert_accessible(page)
    page.get_by_label("What it says, in a sentence").fill("No pick-ups at night")
    page.get_by_label("Why").fill("People sleep.")
    page.get_by_role("button", name="Keep the draft").click()
    page.get_by_role("button", name="Propose").click()
    page.get_by_text("It waits for another officer now.").wait_for()
    assert_accessible(page)
    assert told == []
