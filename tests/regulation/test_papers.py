"""Papers: sent, accepted, refused, run out; whoever decides first has decided."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.bus.models import Event
from apps.kernel import clock
from apps.parties import operations as parties
from apps.parties.models import Joining, Membership, User
from apps.regulation import operations, queries
from apps.regulation.models import Paper
from tests import papers
from tests.factories import (
    CITY,
    NOON,
    OFFICER,
    CityFactory,
    ProviderFactory,
    UserFactory,
    WorkerFactory,
)
from tests.policies import case
from tests.races import at_once
from tests.regulation.test_scans import PDF, read

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def city(db):
    return CityFactory()


def states(user, city, at=NOON):
    return [one.state for one in queries.demands(user.pk, city, "mobility", at)]


def topics():
    return list(Event.objects.order_by("pk").values_list("topic", flat=True))


class TestSending:
    def test_a_paper_goes_its_way(self, city, media):
        papers.ask_for(city)
        user = UserFactory()
        assert states(user, city) == ["missing", "missing"]
        paper = papers.send(user, city)
        assert states(user, city) == ["sent", "missing"]
        operations.refuse_paper(paper_id=paper.pk, reason=" too dark ", by=OFFICER, at=NOON)
        paper.refresh_from_db()
        assert (paper.state, paper.reason) == ("REFUSED", "too dark")
        assert states(user, city) == ["refused", "missing"]
        papers.accepted(user, city, number="LIC-2")
        assert states(user, city) == ["accepted", "missing"]
        assert topics()[2:] == [
            "regulation.paper_sent",
            "regulation.paper_refused",
            "regulation.paper_sent",
            "regulation.paper_accepted",
        ]
        assert len(list(media.glob("papers/*.jpg"))) == 2

    def test_a_name_says_nothing_and_stays_inside(self, city, media):
        papers.ask_for(city)
        paper = papers.send(UserFactory(), city, number="../../etc/passwd")
        kept = Path(paper.scan.path)
        assert kept.parent == media / "papers"
        assert len(kept.stem) == 32

    def test_the_same_paper_again_changes_nothing(self, city, media):
        papers.ask_for(city)
        user = UserFactory()
        first = papers.send(user, city)
        assert papers.send(user, city).pk == first.pk
        operations.accept_paper(paper_id=first.pk, by=OFFICER, at=NOON)
        assert papers.send(user, city).pk == first.pk
        assert len(list(media.glob("papers/*"))) == 1

    def test_another_takes_the_place_of_the_one_that_waits(self, city):
        papers.ask_for(city)
        user = UserFactory()
        first, second = papers.send(user, city), papers.send(user, city, number="LIC-2")
        first.refresh_from_db()
        assert (first.state, second.state) == ("REPLACED", "SENT")

    def test_an_accepted_one_holds_until_the_new_one_is_accepted(self, city):
        papers.ask_for(city, "licence")
        user = UserFactory()
        old = papers.accepted(user, city)
        new = papers.send(user, city, number="LIC-2")
        (one,) = queries.demands(user.pk, city, "mobility", NOON)
        assert (one.state, one.is_renewing, one.accepted) == ("accepted", True, old)
        operations.accept_paper(paper_id=new.pk, by=OFFICER, at=NOON)
        old.refresh_from_db()
        assert old.state == "REPLACED"

    def test_what_is_not_asked_for_or_over_is_not_taken(self, city, media):
        (asked,) = papers.ask_for(city, "licence")
        user = UserFactory()
        with pytest.raises(operations.NotAskedFor):
            papers.send(user, city, "insurance")
        with pytest.raises(operations.PaperRanOut):
            papers.send(user, city, expires_on=date(2027, 4, 30))
        papers.send(user, city, expires_on=date(2027, 5, 1))
        operations.drop_requirement(requirement_id=asked.pk, reason="law", by=OFFICER, at=NOON)
        operations.drop_requirement(requirement_id=asked.pk, reason="law", by=OFFICER, at=NOON)
        assert topics().count("regulation.paper_not_required") == 1
        with pytest.raises(operations.NotAskedFor):
            papers.send(user, city)
        assert len(list(media.glob("papers/*"))) == 1

    def test_a_file_does_not_stay_without_its_row(self, city, media):
        papers.ask_for(city)
        with pytest.raises(User.DoesNotExist):
            papers.send(UserFactory.build(pk=10**9), city)
        assert list(media.glob("papers/*")) == []


class TestDeciding:
    def test_twice_is_harmless_and_the_first_word_stands(self, city):
        papers.ask_for(city)
        paper = papers.accepted(UserFactory(), city)
        operations.accept_paper(paper_id=paper.pk, by=OFFICER, at=NOON)
        with pytest.raises(operations.AlreadyDecided):
            operations.refuse_paper(paper_id=paper.pk, reason="no", by=OFFICER, at=NOON)
        assert topics().count("regulation.paper_accepted") == 1
        for _ in range(2):
            operations.revoke_paper(paper_id=paper.pk, reason="forged", by=OFFICER, at=NOON)
        with pytest.raises(operations.AlreadyDecided):
            operations.accept_paper(paper_id=paper.pk, by=OFFICER, at=NOON)
        assert topics().count("regulation.paper_revoked") == 1

    def test_nothing_is_refused_without_a_reason(self, city):
        papers.ask_for(city)
        paper = papers.send(UserFactory(), city)
        with pytest.raises(ValueError, match="reason"):
            operations.refuse_paper(paper_id=paper.pk, reason=" ", by=OFFICER, at=NOON)
        with pytest.raises(IntegrityError), transaction.atomic():
            Paper.objects.filter(pk=paper.pk).update(state="REFUSED")

    def test_what_ran_out_while_it_waited_is_not_accepted(self, city):
        papers.ask_for(city)
        paper = papers.send(UserFactory(), city, expires_on=date(2027, 5, 1))
        with pytest.raises(operations.PaperRanOut):
            operations.accept_paper(paper_id=paper.pk, by=OFFICER, at=NOON + DAY)

    def test_no_such_paper(self, db):
        with pytest.raises(operations.NoSuchPaper):
            operations.accept_paper(paper_id=1, by=OFFICER, at=NOON)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_officers_decide_at_once_and_the_first_wins(self):
        city = CityFactory()
        papers.ask_for(city)
        paper = papers.send(UserFactory(), city)
        told = at_once(
            lambda: operations.accept_paper(paper_id=paper.pk, by=OFFICER, at=NOON),
            lambda: operations.refuse_paper(paper_id=paper.pk, reason="no", by=OFFICER, at=NOON),
        )
        assert sum(isinstance(one, operations.AlreadyDecided) for one in told) == 1
        assert told.count(None) == 1
        decided = Event.objects.filter(topic__in=["regulation.paper_accepted"]).count()
        paper.refresh_from_db()
        assert decided == (paper.state == "ACCEPTED")

    def test_two_papers_at_once_leave_one_to_check(self):
        city = CityFactory()
        papers.ask_for(city)
        user = UserFactory()
        scan = papers.scan()
        told = at_once(
            *(
                lambda number=number: papers.send(user, city, number=number, scan=scan)
                for number in ("LIC-1", "LIC-2", "LIC-2")
            )
        )
        assert all(isinstance(one, Paper) for one in told)
        assert Paper.objects.filter(state="SENT").count() == 1

    def test_reminders_told_at_once_are_told_once(self):
        city = CityFactory()
        papers.ask_for(city)
        papers.accepted(UserFactory(), city, expires_on=date(2027, 5, 6))
        at_once(*[lambda: operations.remind(at=NOON)] * 3)
        assert topics().count("regulation.paper_runs_out") == 1


class TestEnding:
    def test_a_paper_holds_through_its_last_day_where_it_was_asked_for(self, city):
        papers.ask_for(city, "licence")
        user = UserFactory()
        papers.accepted(user, city, expires_on=date(2027, 5, 31))
        (one,) = queries.demands(user.pk, city, "mobility", NOON)
        assert (one.state, one.days) == ("ends_soon", 30)
        assert one.until.isoformat() == "2027-06-01T00:00:00-04:00"
        assert states(user, city, one.until - timedelta(seconds=1)) == ["ends_soon"]
        assert states(user, city, one.until) == ["ran_out"]

    def test_reminders_come_once_at_each_threshold(self, city):
        papers.ask_for(city)
        papers.accepted(UserFactory(), city, expires_on=date(2027, 6, 30))
        told = []
        for day in range(62):
            operations.remind(at=NOON + day * DAY)
            operations.remind(at=NOON + day * DAY)
        for event in Event.objects.filter(topic="regulation.paper_runs_out").order_by("pk"):
            told.append((event.body["days"], event.happened_at.date().isoformat()))
        assert told == [(30, "2027-05-31"), (7, "2027-06-23"), (1, "2027-06-29")]

    def test_the_city_decides_by_the_fact_that_it_is_told(self, city):
        listing = ProviderFactory()
        operations.grant_permit(
            provider_id=listing.pk,
            vertical="mobility",
            number="M-1",
            valid_from=NOON - DAY,
            valid_until=None,
            by=OFFICER,
            at=NOON,
        )
        said = [
            operations.decide(case(listing, vertical="mobility", facts=facts), by=CITY, at=NOON)
            for facts in ({}, {"papers": ""}, {"papers": "paper_ran_out"})
        ]
        assert [(one.refusal, one.rule) for one in said] == [
            ("", ""),
            ("", ""),
            ("paper_ran_out", "3.4"),
        ]
        assert "(rule 3.4)" in queries.explain("paper_ran_out")


class TestWhoSees:
    @pytest.fixture
    def paper(self, city):
        papers.ask_for(city)
        worker = WorkerFactory()
        return papers.send(worker.user, city)

    def seen(self, client, paper, user=None):
        if user is not None:
            client.force_login(user)
        return client.get(reverse("regulation:scan", args=[paper.ref]))

    def member(self, provider, role):
        user = UserFactory()
        parties.add_member(provider_id=provider.pk, user_id=user.pk, role=role, by=CITY, at=NOON)
        return user

    def test_the_holder_sees_it_alone_on_its_page(self, client, paper):
        answer = self.seen(client, paper, paper.holder)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Content-Disposition"] == 'inline; filename="paper.jpg"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert b"".join(answer.streaming_content)[:2] == b"\xff\xd8"

    def test_a_pdf_is_only_ever_downloaded(self, client, city, paper):
        sent = papers.send(paper.holder, city, number="LIC-3", scan=read(PDF))
        answer = self.seen(client, sent, paper.holder)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="paper.pdf"'

    def test_a_visitor_signs_in_first(self, client, paper):
        assert self.seen(client, paper).status_code == 302
        assert client.get(f"/media/{paper.scan.name}").status_code == 404

    @pytest.mark.parametrize(
        ("role", "status"),
        [("OWNER", 200), ("MANAGER", 200), ("ACCOUNTANT", 404), ("WORKER", 404)],
    )
    def test_who_runs_the_fleet_sees_it_and_teammates_do_not(self, client, paper, role, status):
        user = self.member(paper.holder.worker.provider, role)
        assert self.seen(client, paper, user).status_code == status

    def test_strangers_and_other_fleets_find_nothing(self, client, paper):
        assert self.seen(client, paper, UserFactory()).status_code == 404
        other = self.member(ProviderFactory(), Membership.Role.OWNER)
        assert self.seen(client, paper, other).status_code == 404

    def test_a_fleet_sees_it_while_it_is_asked_and_not_after(self, client, paper):
        fleet = ProviderFactory()
        owner = self.member(fleet, Membership.Role.OWNER)
        asked = Joining.objects.create(
            user=paper.holder, vertical="mobility", provider=fleet, state="ASKED", saved_at=NOON
        )
        assert self.seen(client, paper, owner).status_code == 200
        parties.refuse_joining(joining_id=asked.pk, reason="full", by=CITY, at=NOON)
        assert self.seen(client, paper, owner).status_code == 404

    def test_officers_see_it_by_leave_alone(self, client, paper):
        officer = UserFactory(is_staff=True)
        assert self.seen(client, paper, officer).status_code == 404
        officer.user_permissions.add(Permission.objects.get(codename="view_paper"))
        assert self.seen(client, paper, officer).status_code == 200
        officer.is_staff = False
        officer.save()
        assert self.seen(client, paper, officer).status_code == 404


@pytest.mark.django_db
class TestOffice:
    LIST = "admin:regulation_paper_changelist"

    def act(self, client, paper, action, **told):
        sent = {"action": action, "_selected_action": [paper.pk], **told}
        answer = client.post(reverse(self.LIST), sent)
        paper.refresh_from_db()
        return answer

    def test_the_desk_shows_what_waits_and_the_picture_beside_the_facts(self, admin_client, city):
        at = clock.now()
        papers.ask_for(city, at=at)
        today = city.now(at).date()
        user = UserFactory()
        paper = papers.send(user, city, expires_on=today + 400 * DAY, at=at)
        ending = papers.accepted(
            user, city, "insurance", number="INS-9", expires_on=today + 10 * DAY, at=at
        )
        page = admin_client.get(reverse(self.LIST), {"worklist": "to_check"}).content.decode()
        assert ("LIC-1" in page, "INS-9" in page) == (True, False)
        page = admin_client.get(reverse(self.LIST), {"worklist": "running_out"}).content.decode()
        assert ("LIC-1" in page, "INS-9" in page) == (False, True)
        office = admin_client.get("/admin/").content.decode()
        assert "?worklist=to_check" in office
        page = admin_client.get(reverse("admin:regulation_paper_change", args=[paper.pk]))
        assert reverse("regulation:scan", args=[paper.ref]) in page.content.decode()
        assert 'value="accept"' in page.content.decode()
        page = admin_client.get(reverse("admin:regulation_paper_change", args=[ending.pk]))
        assert 'value="revoke"' in page.content.decode()

    def test_accepting_and_refusing_with_a_reason(self, admin_client, city):
        at = clock.now()
        papers.ask_for(city, at=at)
        user, last = UserFactory(), (at + 400 * DAY).date()
        paper = papers.send(user, city, expires_on=last, at=at)
        assert self.act(admin_client, paper, "refuse").status_code == 200
        assert paper.state == "SENT"
        self.act(admin_client, paper, "refuse", because="1", reason="too dark")
        assert (paper.state, paper.reason) == ("REFUSED", "too dark")
        self.act(admin_client, paper, "accept")
        assert paper.state == "REFUSED"
        other = papers.send(user, city, number="LIC-2", expires_on=last, at=at)
        self.act(admin_client, other, "accept")
        assert other.state == "ACCEPTED"
        told = Event.objects.get(topic="regulation.paper_accepted")
        assert told.by.startswith("officer:")

    def test_officers_without_leave_look_and_decide_nothing(self, client, city):
        papers.ask_for(city)
        paper = papers.send(UserFactory(), city)
        officer = UserFactory(is_staff=True)
        client.force_login(officer)
        assert client.get(reverse(self.LIST)).status_code == 403
        officer.user_permissions.add(Permission.objects.get(codename="view_paper"))
        page = client.get(reverse("admin:regulation_paper_change", args=[paper.pk]))
        assert page.status_code == 200
        assert 'value="accept"' not in page.content.decode()
        self.act(client, paper, "accept")
        assert paper.state == "SENT"

    def test_officers_write_what_the_city_asks_for(self, admin_client, city):
        told = {
            "city": city.pk,
            "vertical": "mobility",
            "kind": "record",
            "title": "Police record",
            "asked_of": "worker",
            "hint": "",
            "position": 3,
        }
        add = reverse("admin:regulation_requirement_add")
        assert admin_client.post(add, told).status_code == 302
        (asked,) = city.requirements.all()
        change = reverse("admin:regulation_requirement_change", args=[asked.pk])
        assert admin_client.post(change, told | {"title": "Record"}).status_code == 302
        sent = {"action": "drop", "_selected_action": [asked.pk], "because": "1", "reason": "law"}
        admin_client.post(reverse("admin:regulation_requirement_changelist"), sent)
        asked.refresh_from_db()
        assert (asked.title, asked.dropped_at is not None) == ("Record", True)
        assert topics() == [
            "regulation.paper_required",
            "regulation.paper_required",
            "regulation.paper_not_required",
        ]
