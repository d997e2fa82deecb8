"""From the wish to drive to the first shift: by forms alone, and in a browser."""

from datetime import timedelta

import pytest
from django.conf import settings as live_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import expect

from apps.kernel import clock
from apps.mobility import operations
from apps.mobility.models import Vehicle
from apps.parties import operations as parties
from apps.parties.models import Joining, Provider, Worker
from apps.regulation import operations as regulation
from apps.regulation.models import Paper
from cityplatform.uploads import LARGEST_REQUEST
from tests import papers, rides
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import CITY, OFFICER, CityFactory, UserFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
JOIN, FLEET = "/drive/join/", "/drive/fleet/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def town():
    return rides.town()


@pytest.fixture
def fleet(town):
    provider = town.worker.provider
    provider.name = "Cooperativa Elqui"
    provider.save()
    return provider


@pytest.fixture
def owner(fleet):
    user = UserFactory(name="Pedro Salinas")
    parties.add_member(provider_id=fleet.pk, user_id=user.pk, role="OWNER", by=CITY, at=clock.now())
    return user


@pytest.fixture
def ines():
    return UserFactory(name="Inés Vera")


def wish(fleet, **changes):
    return {
        "name": "Inés Vera",
        "phone": "+56 9 1234 5678",
        "fleet": str(fleet.ref) if isinstance(fleet, Provider) else fleet,
        "business": "",
        "make": "Kia Rio",
        "colour": "Blue",
        "plate": "ab cd 12",
        "seats": "4",
        "abilities": ["large"],
    } | changes


def paper(**changes):
    last = (clock.now() + 400 * DAY).date().isoformat()
    return {"number": "L-7", "expires_on": last, "scan": file(papers.picture())} | changes


def file(content, name="licence.jpg", kind="image/jpeg"):
    return SimpleUploadedFile(name, content, kind)


def as_(client, user):
    client.force_login(user)
    return client


def test_a_visitor_signs_in_and_who_is_no_driver_finds_the_way(client, town, ines):
    assert client.get(JOIN).headers["Location"] == f"/accounts/login/?next={JOIN}"
    assert f'href="{JOIN}"' in as_(client, ines).get("/drive/").content.decode()


def test_a_draft_is_kept_and_may_lack_anything(client, fleet, ines):
    as_(client, ines)
    page = client.post(JOIN, {"save": "1", "make": "Kia Rio"}, follow=True).content.decode()
    assert "Saved. Nobody has seen it yet." in page
    assert 'value="Kia Rio"' in page
    answer = client.post(JOIN, wish(fleet, phone="", send="1"))
    assert answer.status_code == 422
    assert Joining.objects.get().state == "DRAFT"


def test_a_fleet_agrees_and_the_driver_drives(client, fleet, owner, ines):
    as_(client, ines)
    page = client.get(f"{JOIN}?fleet={fleet.ref}").content.decode()
    assert f'<option value="{fleet.ref}" selected>' in page
    page = client.post(JOIN, wish(fleet, send="1"), follow=True).content.decode()
    assert "Cooperativa Elqui has not answered yet" in page
    client.post(JOIN, wish(fleet, send="1", make="Lada"))
    asked = Joining.objects.get()
    assert (asked.state, asked.details["plate"]) == ("ASKED", "ABCD12")
    page = as_(client, owner).get(FLEET).content.decode()
    assert "Inés Vera" in page
    assert f"?fleet={fleet.ref}" in page
    page = client.post(f"{FLEET}asks/{asked.pk}/", {"answer": "agree"}, follow=True)
    assert "Inés Vera drives for you now." in page.content.decode()
    worker = Worker.objects.get(user=ines)
    assert (worker.provider, worker.seats, worker.abilities) == (fleet, 4, ["large"])
    assert str(worker.vehicle) == "Blue Kia Rio, ABCD12"
    client.post(f"{FLEET}asks/{asked.pk}/", {"answer": "agree"})
    assert Vehicle.objects.filter(plate="ABCD12").count() == 1
    assert "You drive for Cooperativa Elqui" in as_(client, ines).get(JOIN).content.decode()
    client.post(f"{JOIN}leave/")
    worker.refresh_from_db()
    assert not worker.is_active
    assert as_(client, ines).get(JOIN).status_code == 200


def test_a_fleet_says_no_and_why(client, fleet, owner, ines):
    as_(client, ines).post(JOIN, wish(fleet, send="1"))
    asked = Joining.objects.get()
    at = f"{FLEET}asks/{asked.pk}/"
    page = as_(client, owner).post(at, {"answer": "refuse", "reason": " "}, follow=True)
    assert "Say why" in page.content.decode()
    client.post(at, {"answer": "refuse", "reason": "No car free"})
    page = as_(client, ines).get(JOIN).content.decode()
    assert "The fleet said no" in page
    assert "No car free" in page
    client.post(JOIN, wish(fleet, send="1"))
    assert Joining.objects.order_by("pk").last().state == "ASKED"
    page = client.post(f"{JOIN}withdraw/", follow=True).content.decode()
    assert "Draft, saved" in page


def test_a_business_of_ones_own_needs_nobodys_yes(client, town, ines):
    as_(client, ines)
    page = client.post(JOIN, wish("own", business="Taxi Inés", send="1"), follow=True)
    page = page.content.decode()
    assert "Your business stands" in page
    assert "has no permit for this service" in page
    assert Worker.objects.get(user=ines).provider.name == "Taxi Inés"
    page = client.post(f"{JOIN}leave/", follow=True).content.decode()
    assert "The only owner of a business cannot leave it." in page


def test_a_plate_is_one_drivers(client, fleet, town, ines):
    plate = town.worker.vehicle.plate
    answer = as_(client, ines).post(JOIN, wish(fleet, send="1", plate=plate))
    assert answer.status_code == 422
    assert "belongs to another driver" in answer.content.decode()
    assert Joining.objects.get().state == "DRAFT"


@pytest.mark.parametrize("who", ["teammate", "stranger", "other fleet"])
def test_only_who_runs_the_fleet_answers_for_it(client, fleet, town, ines, who):
    as_(client, ines).post(JOIN, wish(fleet, send="1"))
    asked, user = Joining.objects.get(), UserFactory()
    if who == "teammate":
        user = town.worker.user
    elif who == "other fleet":
        parties.found_provider(name="Faro", owner_id=user.pk, by=CITY, at=clock.now())
    as_(client, user)
    assert client.get(FLEET).status_code == (200 if who == "other fleet" else 404)
    answer = client.post(f"{FLEET}asks/{asked.pk}/", {"answer": "agree"})
    assert answer.status_code == 404
    assert client.post(f"{FLEET}drivers/{town.worker.pk}/leave/").status_code == 404
    assert Joining.objects.get().state == "ASKED"


def test_two_managers_answer_at_once_and_the_first_wins(fleet, ines, town):
    at = clock.now()
    asked = parties.save_joining(
        user_id=ines.pk,
        vertical="mobility",
        provider_id=fleet.pk,
        business="",
        seats=4,
        abilities=[],
        details={"make": "Kia", "colour": "Red", "plate": "XX1"},
        by=CITY,
        at=at,
    )
    for _ in range(2):
        operations.ask_to_drive(joining_id=asked.pk, by=CITY, at=at)
    told = at_once(
        lambda: operations.agree_to_driver(
            joining_id=asked.pk, city_id=CityFactory().pk, by=CITY, at=at
        ),
        lambda: parties.refuse_joining(joining_id=asked.pk, reason="no", by=CITY, at=at),
    )
    assert sum(isinstance(one, parties.AlreadyAnswered) for one in told) == 1
    asked.refresh_from_db()
    assert Worker.objects.filter(user=ines).exists() == (asked.state == "AGREED")


def test_a_paper_is_sent_refused_and_sent_again(client, town):
    papers.ask_for(town.city, at=clock.now())
    as_(client, town.worker.user)
    at = f"{JOIN}papers/licence/"
    assert client.get(at).status_code == 200
    assert client.get(f"{JOIN}papers/passport/").status_code == 404
    page = client.post(at, paper(), follow=True).content.decode()
    assert "Being checked" in page
    first = Paper.objects.get()
    regulation.refuse_paper(paper_id=first.pk, reason="Too dark", by=OFFICER, at=clock.now())
    assert "Too dark" in client.get(JOIN).content.decode()
    assert "Too dark" in client.get(at).content.decode()
    client.post(at, paper(number="L-8"))
    second = Paper.objects.get(state="SENT")
    regulation.accept_paper(paper_id=second.pk, by=OFFICER, at=clock.now())
    page = client.get(JOIN).content.decode()
    assert "Accepted" in page
    assert "1 of 2 accepted" in page
    page = client.get("/drive/").content.decode()
    assert "(rule 3.1)" in page
    page = client.post("/drive/shift/", {"action": "on_line"}, follow=True).content.decode()
    assert "A paper that the city asks for is missing" in page


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"scan": file(b"<html><script>alert(1)</script>")}, "no picture or PDF"),
        ({"scan": file(b"", "empty.pdf", "application/pdf")}, "The file is empty"),
        ({"scan": ""}, "This field is required"),
        ({"scan": file(papers.picture((100, 80)), "../../x.jpg")}, "too small"),
        ({"expires_on": "2020-01-01"}, "This day is over"),
        ({"expires_on": "soon"}, "Enter a valid date"),
        ({"number": "\x00"}, "Null characters"),
    ],
)
def test_what_is_wrong_with_a_paper_is_said_at_its_field(client, town, changes, says):
    papers.ask_for(town.city)
    as_(client, town.worker.user)
    for sent in changes.values():
        if hasattr(sent, "seek"):
            sent.seek(0)
    answer = client.post(f"{JOIN}papers/licence/", paper(**changes))
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Paper.objects.exists()


def test_a_request_beyond_all_measure_is_not_read(client, town):
    papers.ask_for(town.city)
    as_(client, town.worker.user)
    huge = file(b"0" * (LARGEST_REQUEST + 1))
    answer = client.post(f"{JOIN}papers/licence/", paper(scan=huge))
    assert answer.status_code in (400, 413)


def test_a_driver_is_reminded_on_the_shift_page(client, town):
    at = clock.now()
    papers.ask_for(town.city, "licence", at=at)
    user, last = town.worker.user, town.city.now(at).date() + 6 * DAY
    papers.accepted(user, town.city, expires_on=last, at=at)
    page = as_(client, user).get("/drive/").content.decode()
    assert "Runs out in 6 days" in page
    papers.send(user, town.city, number="L-9", expires_on=last + 300 * DAY, at=at)
    assert "Runs out in 6 days" not in client.get("/drive/").content.decode()


def signed_in(client, new_page, site, user, **how):
    client.force_login(user)
    page = new_page(**how)
    name = live_settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])
    return page


@pytest.mark.parametrize(("width", "theme", "lang"), [(390, "dark", "es"), (1280, "light", "en")])
def test_joining_in_a_browser(
    client, new_page, site, town, fleet, owner, ines, tmp_path, width, theme, lang
):
    at = clock.now()
    papers.ask_for(town.city, at=at)
    last = town.city.now(at).date() + 6 * DAY
    papers.accepted(ines, town.city, expires_on=last, at=at)
    refused = papers.send(ines, town.city, "insurance", expires_on=last, at=at)
    regulation.refuse_paper(
        paper_id=refused.pk, reason="The last day cannot be read.", by=OFFICER, at=at
    )
    page = signed_in(client, new_page, site, ines, width=width, theme=theme, lang=lang)
    told = watch(page)
    page.goto(f"{site}{JOIN}")
    assert_accessible(page)
    screenshot(page, f"join-{width}-{theme}", full=True)
    page.goto(f"{site}{JOIN}papers/insurance/")
    page.locator("#id_number").fill("P-1")
    page.locator("#id_expires_on").fill((last + 300 * DAY).isoformat())
    picture = tmp_path / "policy.jpg"
    picture.write_bytes(papers.picture())
    page.locator("#id_scan").set_input_files(picture)
    assert_accessible(page)
    screenshot(page, f"join-paper-{width}-{theme}", full=True)
    page.locator("#id_scan").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site}{JOIN}")
    page.locator("#id_fleet").select_option(str(fleet.ref))
    for name, value in wish(fleet).items():
        if name in ("phone", "make", "colour", "plate"):
            page.locator(f"#id_{name}").fill(value)
    page.locator("button[name=send]").click()
    expect(page.locator("button[name=send]")).to_have_count(0)
    assert_accessible(page)
    screenshot(page, f"join-asked-{width}-{theme}", full=True)
    page = signed_in(client, new_page, site, owner, width=width, theme=theme, lang=lang)
    page.goto(f"{site}{FLEET}")
    page.locator("details summary").first.click()
    assert_accessible(page)
    screenshot(page, f"fleet-{width}-{theme}", full=True)
    page.locator("button[value=agree]").click()
    expect(page.locator("button[value=agree]")).to_have_count(0)
    assert told == []


@pytest.mark.parametrize("width", [390, 1280])
def test_an_officer_sees_the_picture_beside_the_facts_and_accepts(
    client, new_page, site, town, ines, width
):
    at = clock.now()
    papers.ask_for(town.city, at=at)
    sent = papers.send(ines, town.city, expires_on=(at + 400 * DAY).date(), at=at)
    officer = UserFactory(is_staff=True, is_superuser=True)
    page = signed_in(client, new_page, site, officer, width=width)
    told = watch(page)
    page.goto(f"{site}/admin/regulation/paper/{sent.pk}/change/")
    drawn = page.locator("img[alt*='Driving licence']")
    expect(drawn).to_be_visible()
    assert drawn.evaluate("one => one.naturalWidth") == 800
    screenshot(page, f"office-paper-{width}", full=True)
    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_text("1 paper is accepted.")).to_be_visible()
    sent.refresh_from_db()
    assert sent.state == "ACCEPTED"
    assert [one for one in told if "Failed to load" not in one] == []
