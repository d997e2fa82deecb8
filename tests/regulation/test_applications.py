"""Applications: sent, checked, paid, inspected, granted under a number, or contested."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.bus.models import Event
from apps.kernel import clock
from apps.kernel.actors import Kind
from apps.parties import operations as parties
from apps.places.models import City
from apps.regulation import operations, queries
from apps.regulation import queries_applications as read
from apps.regulation.models import Application, CaseFile, Document, Permit, PermitTerms
from tests import cases, papers
from tests.browser import assert_accessible, screenshot, watch
from tests.factories import CITY, NOON, OFFICER, CityFactory, PermitFactory, UserFactory
from tests.races import at_once, without

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def provider(db):
    return founded()


def founded():
    found, owner = cases.provider(name="Cooperativa Elqui")
    found.owner = owner
    return found


def terms(**changes):
    said = {"fee_minor": 25_000, "months": 12, "needs_inspection": True, "series": "MOV"}
    return operations.set_permit_terms(
        city_id=CityFactory().pk,
        vertical="mobility",
        title="Permit to carry people",
        by=OFFICER,
        at=NOON,
        **said | changes,
    )


def asked(*kinds):
    for place, kind in enumerate(kinds or ("insurance",)):
        operations.require_paper(
            city_id=CityFactory().pk,
            vertical="mobility",
            kind=kind,
            title=kind.capitalize(),
            asked_of="provider",
            position=place,
            by=OFFICER,
            at=NOON,
        )


def applied(provider, who=None, *, key=None, at=NOON):
    who = who or provider.owner
    return operations.apply_for_permit(
        key=key or uuid4(),
        city_id=CityFactory().pk,
        vertical="mobility",
        provider_id=provider.pk,
        words="Ten cars in the centre.",
        person_id=who.pk,
        by=who.acting(Kind.PROVIDER),
        at=at,
    )


def sent(application, kind="insurance", who=None, *, colour="teal", at=NOON):
    who = who or application.case.opened_by
    return operations.send_document(
        case_id=application.pk,
        kind=kind,
        scan=papers.scan(colour=colour),
        person_id=who.pk,
        by=who.acting(Kind.PROVIDER),
        at=at,
    )


def checked(document, who, reason=""):
    operations.check_document(
        document_id=document.pk, reason=reason, officer_id=who.pk, by=OFFICER, at=NOON
    )


def paid(application, payment="R-1", *, at=NOON):
    operations.note_fee_paid(
        case_id=application.pk, payment=payment, person_id=UserFactory().pk, by=CITY, at=at
    )


def inspected(application, who, *, is_passed=True):
    operations.set_inspection(
        case_id=application.pk, moment=NOON + DAY, officer_id=who.pk, by=OFFICER, at=NOON
    )
    operations.note_inspection(
        case_id=application.pk,
        is_passed=is_passed,
        words="Ten cars, all well.",
        officer_id=who.pk,
        by=OFFICER,
        at=NOON + DAY,
    )


def decided(application, who, outcome="granted", *, at=NOON, **more):
    return operations.decide_application(
        case_id=application.pk,
        officer_id=who.pk,
        outcome=outcome,
        words=more.pop("words", "Welcome."),
        by=OFFICER,
        at=at,
        **more,
    )


def lacks(application):
    return read.progress_of(read.application_of(application.pk)).lacks


class TestLife:
    def test_an_application_goes_its_way_to_a_permit(self, provider, media):
        terms()
        asked()
        application, who = applied(provider), cases.officer()
        cases.taken(application.case, who)
        assert lacks(application) == ["documents", "fee", "inspection"]
        with pytest.raises(operations.NotReady) as no:
            decided(application, who)
        assert no.value.lacks == ["documents", "fee", "inspection"]
        first = sent(application)
        assert sent(application).pk == first.pk
        checked(first, who, "too dark")
        second = sent(application, colour="white")
        for _ in range(2):
            checked(second, who)
        with pytest.raises(operations.AlreadyDecided):
            checked(second, who, "no")
        assert lacks(application) == ["fee", "inspection"]
        for _ in range(2):
            paid(application)
        with pytest.raises(operations.NothingOwed):
            paid(application, "R-2")
        inspected(application, who, is_passed=False)
        assert lacks(application) == ["inspection"]
        inspected(application, who)
        assert lacks(application) == []
        for _ in range(2):
            decided(application, who, conditions="Not on the beach.")
        permit = Permit.objects.get()
        assert (permit.number, permit.conditions) == ("MOV-2027-0001", "Not on the beach.")
        assert (permit.valid.lower, permit.valid.upper) == (NOON, NOON.replace(year=2028))
        assert queries.valid_permit(provider.pk, "mobility", NOON) == permit
        application.refresh_from_db()
        assert (application.permit, application.case.outcome) == (permit, "granted")
        assert len(list(media.glob("documents/*"))) == 2
        told = list(Event.objects.values_list("topic", flat=True))
        assert told.count("regulation.permit_fee_paid") == 1
        assert told.count("regulation.permit_granted") == 1

    def test_the_same_key_is_one_and_one_is_open_at_a_time(self, provider):
        terms()
        key = uuid4()
        application = applied(provider, key=key)
        assert applied(provider, key=key).pk == application.pk
        with pytest.raises(operations.AlreadyOpened):
            applied(provider)
        operations.withdraw_case(
            case_id=application.pk, person_id=provider.owner.pk, words="x", by=CITY, at=NOON
        )
        assert applied(provider).pk != application.pk
        with pytest.raises(operations.CaseClosed):
            sent(application)

    def test_what_the_city_does_not_offer_or_ask_for_is_not_taken(self, provider, media):
        with pytest.raises(operations.NotOffered):
            applied(provider)
        terms()
        asked()
        papers.ask_for(CityFactory(), "licence")
        application = applied(provider)
        for kind in ("licence", "passport"):
            with pytest.raises(operations.NotAskedFor):
                sent(application, kind)
        with pytest.raises(operations.NoSuchCase):
            sent(application, who=UserFactory())
        assert list(media.glob("documents/*")) == []
        with pytest.raises(operations.NotAskedFor):
            papers.send(UserFactory(), CityFactory(), "insurance")

    def test_only_the_officer_who_works_on_it_checks_and_inspects(self, provider):
        terms()
        asked()
        application = applied(provider)
        cases.taken(application.case, cases.officer())
        other = cases.officer()
        document = sent(application)
        with pytest.raises(operations.NotTheirs):
            checked(document, other)
        with pytest.raises(operations.NotTheirs):
            inspected(application, other)
        with pytest.raises(operations.NotTheirs):
            decided(application, other, "refused")
        with pytest.raises(operations.UnfitOutcome):
            cases.close(application.case, "refused")

    def test_a_fee_is_frozen_and_terms_are_set_once(self, provider):
        terms()
        application = applied(provider)
        for _ in range(2):
            terms(fee_minor=0, needs_inspection=False)
        application.refresh_from_db()
        assert application.fee_minor == 25_000
        assert Event.objects.filter(topic="regulation.permit_terms_set").count() == 2
        with pytest.raises(ValueError, match="receipt"):
            paid(application, " ")


class TestNumbers:
    @pytest.fixture
    def who(self):
        return cases.officer()

    def test_a_renewal_begins_where_the_permit_ends(self, provider, who):
        terms(fee_minor=0, needs_inspection=False)
        cases.taken((application := applied(provider)).case, who)
        decided(application, who)
        cases.taken((again := applied(provider)).case, who)
        decided(again, who)
        first, second = Permit.objects.order_by("pk")
        assert second.valid.lower == first.valid.upper
        assert second.number == "MOV-2027-0002"

    def test_a_number_that_came_from_elsewhere_is_passed_over(self, provider, who):
        terms(fee_minor=0, needs_inspection=False)
        PermitFactory(number="MOV-2027-0001", vertical="lodging")
        cases.taken((application := applied(provider)).case, who)
        decided(application, who)
        assert Permit.objects.filter(number="MOV-2027-0002", provider=provider).exists()

    def test_a_permit_without_end_leaves_no_room_and_the_case_open(self, provider, who):
        terms(fee_minor=0, needs_inspection=False)
        PermitFactory(provider=provider)
        cases.taken((application := applied(provider)).case, who)
        with pytest.raises(operations.PermitOverlaps), transaction.atomic():
            decided(application, who)
        assert CaseFile.objects.get().is_open

    @pytest.mark.parametrize(
        ("moment", "months", "later"),
        [
            (datetime(2027, 1, 31, 12, tzinfo=UTC), 1, "2027-02-28T09:00"),
            (datetime(2028, 2, 29, 12, tzinfo=UTC), 12, "2029-02-28T09:00"),
            (datetime(2027, 12, 1, 12, tzinfo=UTC), 3, "2028-03-01T09:00"),
            (datetime(2027, 5, 1, 12, tzinfo=UTC), 12, "2028-05-01T08:00"),
        ],
    )
    def test_months_are_the_citys(self, moment, months, later):
        city = City(timezone="America/Santiago")
        found = read.months_after(moment, months, city)
        assert f"{city.now(found):%Y-%m-%dT%H:%M}" == later


class TestAppeals:
    def test_a_refusal_is_contested_and_another_officer_gives_the_permit(self, provider):
        terms()
        application, first, second = applied(provider), cases.officer(), cases.officer()
        cases.taken(application.case, first)
        decided(application, first, "refused", words="Too many cars.")

        def appeal(who, at=NOON):
            return operations.appeal_case(
                ref=application.case.ref,
                person_id=who.pk,
                words="They are electric.",
                by=who.acting(Kind.PROVIDER),
                at=at,
            )

        with pytest.raises(operations.NoSuchCase):
            appeal(UserFactory())
        with pytest.raises(operations.TooLateToAppeal):
            appeal(provider.owner, NOON + 31 * DAY)
        case = appeal(provider.owner)
        assert appeal(provider.owner).pk == case.pk
        with pytest.raises(operations.FourEyes):
            cases.taken(case, first)
        cases.taken(case, second)
        for _ in range(2):
            operations.decide_appeal(
                case_id=case.pk,
                officer_id=second.pk,
                outcome="granted",
                words="Right.",
                by=OFFICER,
                at=NOON,
            )
        assert Permit.objects.get().provider == provider

    def test_what_was_granted_is_not_contested(self, provider):
        terms(fee_minor=0, needs_inspection=False)
        application, who = applied(provider), cases.officer()
        cases.taken(application.case, who)
        decided(application, who)
        with pytest.raises(operations.NoSuchCase):
            operations.appeal_case(
                ref=application.case.ref,
                person_id=provider.owner.pk,
                words="x",
                by=CITY,
                at=NOON,
            )


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_numbers_of_permits_are_given_once(self):
        terms(fee_minor=0, needs_inspection=False)
        who = cases.officer()
        made = [applied(founded()) for _ in range(3)]
        for one in made:
            cases.taken(one.case, who)
        told = at_once(*(lambda one=one: decided(one, who) for one in made))
        assert all(isinstance(one, Application) for one in told)
        numbers = Permit.objects.order_by("number").values_list("number", flat=True)
        assert list(numbers) == ["MOV-2027-0001", "MOV-2027-0002", "MOV-2027-0003"]

    def test_two_applications_at_once_are_one(self):
        terms()
        provider = founded()
        told = at_once(*[lambda: applied(provider)] * 3)
        assert sum(isinstance(one, Application) for one in told) == 1
        assert Application.objects.count() == 1

    def test_two_documents_at_once_leave_one_to_check(self):
        terms()
        asked()
        application = applied(founded())
        at_once(
            lambda: sent(application, colour="white"),
            lambda: sent(application, colour="black"),
        )
        assert Document.objects.filter(state="SENT").count() == 1

    def test_without_the_constraint_two_documents_would_stand(self):
        terms()
        asked()
        application = applied(founded())
        document = sent(application)
        with pytest.raises(IntegrityError), transaction.atomic():
            twin(document).save()
        with without(Document, "regulation_one_document_of_a_kind"):
            at_once(lambda: twin(document).save(), lambda: twin(document).save())
            assert Document.objects.filter(state="SENT").count() == 3


def twin(document):
    return Document(
        application=document.application,
        requirement=document.requirement,
        scan=document.scan.name,
        format=document.format,
        digest="x",
        sent_at=NOON,
    )


class TestPages:
    def test_from_the_wish_to_the_permit_by_forms_alone(self, client, provider):
        terms()
        asked()
        who = cases.officer(*cases.LEAVE, "view_permit", "view_provider")
        client.force_login(provider.owner)
        assert "Permit to carry people" in client.get("/permits/").content.decode()
        at = "/permits/apply/mobility/"
        assert "Insurance" in client.get(at).content.decode()
        wish = {"key": str(uuid4()), "provider": str(provider.ref), "words": "Ten cars."}
        assert client.post(at, wish | {"words": ""}).status_code == 422
        page = client.post(at, wish, follow=True).content.decode()
        assert "Missing" in page
        application = Application.objects.get()
        assert client.post(at, wish | {"key": str(uuid4())}).status_code == 422
        send = reverse("regulation:document", args=[application.case.ref, "insurance"])
        for file in (SimpleUploadedFile("x", b"MZ"), picture()):
            page = client.post(send, {"scan": file}, follow=True).content.decode()
        assert "Being checked" in page
        document = Document.objects.get()
        shown = reverse("regulation:document-file", args=[application.case.ref, document.ref])
        assert client.get(shown).status_code == 200
        client.force_login(UserFactory())
        assert client.get(shown).status_code == 404
        assert client.get(at).status_code == 404
        assert client.post(send, {"scan": picture()}).status_code == 404

        client.force_login(who)
        desk = reverse("admin:regulation_casefile_change", args=[application.pk])
        assert client.get(shown).status_code == 200
        client.post(desk, {"act": "take"})
        page = client.get(desk).content.decode()
        assert "Check a document" in page
        no = {"act": "document", "document": document.pk, "verdict": "refuse", "reason": ""}
        assert client.post(desk, no).status_code == 422
        assert client.post(desk, no | {"verdict": "accept"}).status_code == 302
        answer = client.post(desk, {"act": "close", "outcome": "granted", "words": "Yes."})
        assert b"the fee or the inspection is missing" in answer.content
        no = {"act": "fee", "payment": "R-77", "reason": ""}
        assert client.post(desk, no).status_code == 422
        client.post(desk, no | {"reason": "In cash; they have no card."})
        soon = {"moment_0": "2099-05-03", "moment_1": "10:00:00"}
        past = {"moment_0": "2020-05-03", "moment_1": "10:00:00"}
        assert client.post(desk, {"act": "appointment", **past}).status_code == 422
        assert client.post(desk, {"act": "appointment", **soon}).status_code == 302
        application.refresh_from_db()
        assert application.inspection_at == datetime(2099, 5, 3, 14, tzinfo=UTC)
        client.post(desk, {"act": "found", "is_passed": "1", "words": "All well."})
        told = {"act": "close", "outcome": "granted", "words": "Yes.", "conditions": "No beach."}
        assert client.post(desk, told).status_code == 302
        permit = Permit.objects.get()

        client.force_login(provider.owner)
        page = client.get("/permits/").content.decode()
        assert permit.number in page
        assert "No beach." in page
        page = client.get(reverse("regulation:case", args=[application.case.ref])).content.decode()
        assert permit.number in page

    def test_a_refusal_is_contested_on_its_page(self, client, provider):
        terms()
        application, who = applied(provider, at=clock.now()), cases.officer()
        cases.taken(application.case, who)
        decided(application, who, "refused", at=clock.now())
        client.force_login(provider.owner)
        page = reverse("regulation:case", args=[application.case.ref])
        at = reverse("regulation:appeal-case", args=[application.case.ref])
        assert at in client.get(page).content.decode()
        client.post(at, {"key": uuid4(), "words": ""})
        assert CaseFile.objects.count() == 1
        answer = client.post(at, {"key": uuid4(), "words": "Please."}, follow=True)
        assert "Please." in answer.content.decode()
        client.force_login(UserFactory())
        assert client.post(at, {"key": uuid4(), "words": "x"}).status_code == 404

    def test_an_officer_sets_the_terms(self, admin_client):
        add = reverse("admin:regulation_permitterms_add")
        told = {
            "city": CityFactory().pk,
            "vertical": "mobility",
            "title": "Rides",
            "fee_minor": "1000",
            "months": "6",
            "series": "MOV",
        }
        admin_client.post(add, told)
        kept = PermitTerms.objects.get()
        change = reverse("admin:regulation_permitterms_change", args=[kept.pk])
        admin_client.post(change, told | {"months": "9"})
        kept.refresh_from_db()
        assert kept.months == 9
        listed = reverse("admin:regulation_permitterms_changelist")
        assert admin_client.get(listed).status_code == 200

    def test_a_program_applies_and_sends(self, client, provider):
        terms()
        asked()
        secret = parties.issue_token(
            user_id=provider.owner.pk, name="tests", expires_at=None, by=CITY, at=clock.now()
        )[1]
        mine = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "one"}
        body = {"provider": str(provider.ref), "vertical": "mobility", "words": "Ten cars."}
        sends = {"data": body, "content_type": "application/json", "headers": mine}
        answer = client.post("/api/v1/permits/applications", **sends)
        assert answer.status_code == 201
        at = f"/api/v1/cases/{answer.json()['ref']}/application"
        assert client.get(at, headers=mine).json()["lacks"] == ["documents", "fee", "inspection"]
        file = {"kind": "insurance", "file": picture()}
        answer = client.post(at, file, headers=mine)
        assert answer.status_code == 201
        assert answer.json()["checklist"][0]["state"] == "sent"
        wrong = client.post(at, {"kind": "passport", "file": picture()}, headers=mine)
        assert (wrong.status_code, wrong.json()["code"]) == (404, "not_asked_for")
        sends["data"] = body | {"vertical": "lodging"}
        sends["headers"] = mine | {"Idempotency-Key": "two"}
        gone = client.post("/api/v1/permits/applications", **sends)
        assert (gone.status_code, gone.json()["code"]) == (404, "not_offered")
        PermitFactory(provider=provider, number="OLD-1")
        (one,) = client.get("/api/v1/permits", headers=mine).json()
        assert (one["number"], one["state"]) == ("OLD-1", "holds")


def picture():
    return SimpleUploadedFile("x.jpg", papers.picture(), "image/jpeg")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_in_a_browser(client, new_page, site, width, theme):
    provider = founded()
    terms()
    asked("insurance", "statutes")
    PermitFactory(provider=provider, vertical="lodging", number="STAY-1")
    application = applied(provider, at=clock.now())
    sent(application, at=clock.now())
    phone = new_page(width=width, theme=theme)
    client.force_login(provider.owner)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}
    phone.context.add_cookies([cookie])
    told = watch(phone)
    case = reverse("regulation:case", args=[application.case.ref])
    for name, path in (
        ("permits", "/permits/"),
        ("apply", "/permits/apply/mobility/"),
        ("progress", case),
    ):
        phone.goto(f"{site}{path}")
        assert_accessible(phone)
        screenshot(phone, f"{name}-{width}-{theme}", full=True)
    assert told == []
