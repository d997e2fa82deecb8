"""Cases on the pages of those whom they concern, in the office, and for programs."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from playwright.sync_api import expect

from apps.kernel import clock
from apps.parties import operations as parties
from apps.regulation import operations
from apps.regulation.models import CaseFile, DayOff, Deadline
from tests import cases, papers
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import CITY, OFFICER, CityFactory, PermitFactory, UserFactory
from tests.regulation.test_scans import PDF

pytestmark = pytest.mark.django_db
NOBODY = "6f1f0f0e-2f0c-4b62-9a3f-3f0a8d1c7d11"
LIST = "admin:regulation_casefile_changelist"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def city(db):
    return CityFactory()


@pytest.fixture
def provider(city):
    found, owner = cases.provider(name="Cooperativa Elqui")
    PermitFactory(provider=found)
    found.owner = owner
    return found


def page(case):
    return reverse("regulation:case", args=[case.ref])


def desk(case):
    return reverse("admin:regulation_casefile_change", args=[case.pk])


def complaint(provider, **changes):
    return {
        "key": str(uuid4()),
        "provider": str(provider.ref),
        "about_kind": "order",
        "about": "ABC-1234",
        "title": "The driver was rude",
        "words": "She shouted.",
        "scan": SimpleUploadedFile("x.jpg", papers.picture(), "image/jpeg"),
    } | changes


class TestPages:
    def test_somebody_complains_and_reads_what_comes_of_it(self, client, provider):
        citizen = UserFactory()
        client.force_login(citizen)
        link = f"/complain/?about=order&ref=ABC-1234&provider={provider.ref}"
        form = client.get(link).content.decode()
        assert 'value="ABC-1234"' in form
        assert f'value="{provider.ref}" selected' in form
        told = complaint(provider)
        shown = client.post("/complain/", told, follow=True).content.decode()
        case = CaseFile.objects.get()
        assert (case.about_kind, case.about, case.provider) == ("order", "ABC-1234", provider)
        assert "C-1" in shown
        assert "She shouted." in shown
        told["scan"].seek(0)
        client.post("/complain/", told)
        assert CaseFile.objects.count() == 1
        assert "The driver was rude" in client.get("/cases/").content.decode()
        event = case.events.get()
        picture = reverse("regulation:case-file", args=[case.ref, event.ref])
        assert client.get(picture).headers["Content-Type"] == "image/jpeg"
        answer = client.post(page(case), {"key": uuid4(), "words": "And loud."}, follow=True)
        assert "And loud." in answer.content.decode()
        assert client.post(page(case), {"key": uuid4(), "words": " "}).status_code == 422
        client.post(f"{page(case)}withdraw/", {"words": ""})
        case.refresh_from_db()
        assert case.is_open
        client.post(f"{page(case)}withdraw/", {"words": "They said sorry."})
        assert "They said sorry." in client.get(page(case)).content.decode()
        answer = client.post(page(case), {"key": uuid4(), "words": "More"}, follow=True)
        assert "The case is closed." in answer.content.decode()

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"about": ""}, "Say which"),
            ({"provider": NOBODY}, "Select a valid choice"),
            ({"words": " "}, "This field is required"),
            ({"scan": SimpleUploadedFile("x.exe", b"MZ")}, "no picture or PDF"),
            ({"about_kind": "decision"}, "Select a valid choice"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, client, provider, changes, says):
        client.force_login(UserFactory())
        answer = client.post("/complain/", complaint(provider) | changes)
        assert answer.status_code == 422
        assert says in answer.content.decode()

    def test_a_pdf_is_only_downloaded(self, client, provider):
        client.force_login(UserFactory())
        told = complaint(provider, scan=SimpleUploadedFile("x.pdf", PDF))
        client.post("/complain/", told)
        case = CaseFile.objects.get()
        event = case.events.get()
        answer = client.get(reverse("regulation:case-file", args=[case.ref, event.ref]))
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]

    def test_the_owner_the_teammate_and_the_stranger(self, client, provider):
        citizen, mate, stranger = UserFactory(), UserFactory(), UserFactory()
        parties.add_member(
            provider_id=provider.pk, user_id=mate.pk, role="ACCOUNTANT", by=CITY, at=clock.now()
        )
        case = cases.opened(citizen, provider=provider, scan=papers.scan())
        picture = reverse("regulation:case-file", args=[case.ref, case.events.get().ref])
        hers = cases.officer()
        for user, status in (
            (citizen, 200),
            (provider.owner, 404),
            (mate, 404),
            (stranger, 404),
            (UserFactory(is_staff=True), 404),
        ):
            client.force_login(user)
            assert client.get(page(case)).status_code == status
            assert client.post(page(case), {"key": uuid4(), "words": "x"}).status_code in (
                status,
                302,
            )
            assert client.get(picture).status_code == status
        client.force_login(hers)
        assert client.get(picture).status_code == 200
        assert client.get(page(case)).status_code == 404
        operations.note(
            key=uuid4(),
            case_id=case.pk,
            words="Heard?",
            seen_by="provider",
            officer_id=hers.pk,
            by=OFFICER,
            at=clock.now(),
        )
        client.force_login(provider.owner)
        shown = client.get(page(case)).content.decode()
        assert "Heard?" in shown
        assert "They hung up on me." not in shown
        assert str(citizen) not in shown
        assert client.get(picture).status_code == 404
        client.force_login(mate)
        assert client.get(page(case)).status_code == 404
        client.logout()
        assert client.get(page(case)).status_code == 302


class TestOffice:
    def act(self, client, case, act, **told):
        answer = client.post(desk(case), {"act": act, "key": str(uuid4()), **told})
        case.refresh_from_db()
        return answer

    def test_an_officer_works_on_a_case_from_the_list_to_the_words(self, client, provider):
        case, who, other = cases.opened(provider=provider), cases.officer(), cases.officer()
        client.force_login(who)
        listed = client.get(reverse(LIST), {"worklist": "unowned"}).content.decode()
        assert "C-1" in listed
        client.post(reverse(LIST), {"action": "take", "_selected_action": [case.pk]})
        assert case.title in client.get(reverse(LIST), {"worklist": "mine"}).content.decode()
        assert str(case.opened_by) in client.get(desk(case)).content.decode()
        self.act(client, case, "note", words="Looked at it.", seen_by="office")
        self.act(client, case, "ask", words="Well?", seen_by="opener")
        assert case.state == "ASKED"
        answer = self.act(client, case, "close", outcome="founded", words=" ")
        assert answer.status_code == 422
        assert b"This field is required" in answer.content
        self.act(client, case, "hand_over", to=other.pk, words="on leave")
        assert case.owner == other
        answer = client.post(
            desk(case), {"act": "close", "outcome": "founded", "words": "so"}, follow=True
        )
        assert b"another officer works on it" in answer.content
        client.force_login(other)
        self.act(client, case, "close", outcome="founded", words="Sorry.")
        assert (case.state, case.closed_by) == ("CLOSED", other)
        assert b"What to do" not in client.get(desk(case)).content

    def test_every_worklist_opens(self, client, provider):
        cases.opened(provider=provider)
        client.force_login(cases.officer())
        for name, rows in (("mine", 0), ("unowned", 1), ("overdue", 0), ("open", 1), ("", 1)):
            answer = client.get(reverse(LIST), {"worklist": name} if name else {})
            assert answer.context["cl"].result_count == rows

    def test_who_may_only_look_does_nothing(self, client, provider):
        case = cases.opened(provider=provider)
        client.force_login(cases.officer("view_casefile"))
        assert client.get(desk(case)).status_code == 200
        assert self.act(client, case, "take").status_code == 403
        client.force_login(UserFactory(is_staff=True))
        assert client.get(desk(case)).status_code == 403
        assert case.owner is None

    def test_an_officer_opens_an_inspection_and_the_provider_reads_how_it_ended(
        self, client, provider
    ):
        who = cases.officer(*cases.LEAVE, "view_provider")
        client.force_login(who)
        asked = {
            "city": CityFactory().pk,
            "provider": provider.pk,
            "vertical": "mobility",
            "title": "Brakes",
            "words": "All cars.",
        }
        add = reverse("admin:regulation_casefile_add")
        assert client.get(add).status_code == 200
        assert client.post(add, asked | {"provider": ""}).status_code == 200
        assert client.post(add, asked).status_code == 302
        case = CaseFile.objects.get()
        assert (case.kind, case.opened_by) == ("inspection", who)
        client.force_login(provider.owner)
        assert client.get(page(case)).status_code == 404
        client.force_login(who)
        self.act(client, case, "take")
        self.act(client, case, "close", outcome="failed", words="Two without.")
        client.force_login(provider.owner)
        shown = client.get(page(case)).content.decode()
        assert "Two without." in shown
        assert "All cars." not in shown

    def test_an_announced_inspection_is_read_at_once(self, client, provider):
        client.force_login(cases.officer())
        asked = {
            "city": CityFactory().pk,
            "provider": provider.pk,
            "vertical": "",
            "title": "Brakes",
            "words": "All cars.",
            "is_announced": "on",
        }
        client.post(reverse("admin:regulation_casefile_add"), asked)
        client.force_login(provider.owner)
        assert "All cars." in client.get(page(CaseFile.objects.get())).content.decode()

    def test_the_citys_days_are_set_by_operations(self, admin_client, city):
        add = reverse("admin:regulation_deadline_add")
        admin_client.post(add, {"city": city.pk, "kind": "appeal", "working_days": "12"})
        own = Deadline.objects.get()
        change = reverse("admin:regulation_deadline_change", args=[own.pk])
        admin_client.post(change, {"working_days": "14"})
        own.refresh_from_db()
        assert own.working_days == 14
        add = reverse("admin:regulation_dayoff_add")
        admin_client.post(add, {"city": city.pk, "day": "2027-09-18", "name": "Fiestas Patrias"})
        assert DayOff.objects.get().name == "Fiestas Patrias"
        for name in ("deadline", "dayoff"):
            assert (
                admin_client.get(reverse(f"admin:regulation_{name}_changelist")).status_code == 200
            )


class TestPrograms:
    @pytest.fixture
    def call(self, client):
        def call(method, path, who, body=None, **headers):
            secret = parties.issue_token(
                user_id=who.pk, name="tests", expires_at=None, by=CITY, at=clock.now()
            )[1]
            headers["Authorization"] = f"Bearer {secret}"
            sent = {} if body is None else {"data": body, "content_type": "application/json"}
            return getattr(client, method)(f"/api/v1/{path}", headers=headers, **sent)

        return call

    def test_a_program_complains_and_adds_to_it(self, call, provider):
        citizen = UserFactory()
        body = {"provider": str(provider.ref), "title": "Rude", "words": "Shouted."}
        key = {"Idempotency-Key": "one"}
        assert call("post", "cases", citizen, body).json()["code"] == "key_needed"
        answer = call("post", "cases", citizen, body, **key)
        assert answer.status_code == 201
        case = answer.json()
        assert (case["number"], case["is_asked"]) == ("C-1", False)
        assert call("post", "cases", citizen, body, **key).json()["ref"] == case["ref"]
        assert [one["number"] for one in call("get", "cases", citizen).json()["results"]] == ["C-1"]
        at = f"cases/{case['ref']}"
        said = call("post", f"{at}/statements", citizen, {"words": "Loud, too."}, **key).json()
        assert [one["words"] for one in said["events"]] == ["Shouted.", "Loud, too."]
        again = call("post", f"{at}/statements", citizen, {"words": "Loud, too."}, **key).json()
        assert again == said
        assert call("get", at, citizen).json() == said

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"provider": NOBODY}, "provider"),
            ({"about_kind": "order"}, "about"),
            ({"about_kind": "decision"}, "about_kind"),
            ({"title": ""}, "title"),
        ],
    )
    def test_what_is_wrong_is_named(self, call, provider, changes, field):
        body = {"provider": str(provider.ref), "title": "Rude", "words": "Shouted."} | changes
        answer = call("post", "cases", UserFactory(), body, **{"Idempotency-Key": "x"})
        assert answer.status_code == 422
        assert field in answer.json()["errors"]

    def test_a_stranger_finds_nothing_and_a_closed_case_takes_nothing(self, call, provider):
        case = cases.opened(provider=provider)
        key = {"Idempotency-Key": "x"}
        for who in (UserFactory(), provider.owner):
            assert call("get", f"cases/{case.ref}", who).status_code == 404
            said = call("post", f"cases/{case.ref}/statements", who, {"words": "x"}, **key)
            assert said.status_code == 404
        cases.close(cases.taken(case))
        said = call("post", f"cases/{case.ref}/statements", case.opened_by, {"words": "x"}, **key)
        assert (said.status_code, said.json()["code"]) == (409, "case_closed")


@pytest.mark.django_db(transaction=True)
@each_look
def test_in_a_browser(client, new_page, site, provider, width, theme):
    citizen, who = UserFactory(name="Inés Vera"), cases.officer(*cases.LEAVE, "view_provider")
    case = cases.taken(cases.opened(citizen, provider=provider, scan=papers.scan()), who)
    operations.ask_for_statement(
        key=uuid4(),
        case_id=case.pk,
        words="When was it?",
        seen_by="opener",
        officer_id=who.pk,
        by=OFFICER,
        at=clock.now(),
    )
    phone = new_page(width=width, theme=theme, lang="es" if theme == "dark" else "en")
    client.force_login(citizen)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    phone.context.add_cookies([cookie])
    told = watch(phone)
    for name, path in (("cases", "/cases/"), ("complain", "/complain/"), ("case", page(case))):
        phone.goto(f"{site}{path}")
        expect(phone.locator("h1")).to_be_visible()
        assert_accessible(phone)
        screenshot(phone, f"{name}-{width}-{theme}", full=True)
    phone.locator("#id_words").fill("Yesterday at noon.")
    phone.locator("form[aria-labelledby=say] button").click()
    expect(phone.get_by_text("Yesterday at noon.")).to_be_visible()
    client.force_login(who)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    phone.context.add_cookies([cookie])
    phone.goto(f"{site}{desk(case)}")
    phone.locator("summary").last.click()
    screenshot(phone, f"desk-{width}-{theme}", full=True)
    assert told == []
