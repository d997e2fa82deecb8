"""Papers and shifts: nobody goes on line without them, and who is on line leaves in time."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.dispatch import operations as dispatch
from apps.dispatch.models import Shift
from apps.kernel import clock
from apps.mobility import operations
from apps.parties import operations as parties
from apps.regulation import operations as regulation
from apps.regulation.models import Decision, Permit
from tests import papers, rides
from tests.factories import CITY, FOR_GOOD, NOON, OFFICER
from tests.rides import relay_all

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def town():
    return rides.town()


def until(town):
    return Shift.objects.open().get(worker=town.worker).until


@pytest.mark.parametrize("lack", ["missing", "unchecked", "refused", "ran_out"])
def test_who_lacks_a_paper_does_not_go_on_line(town, lack):
    papers.ask_for(town.city, "licence")
    user, at = town.worker.user, NOON
    if lack == "unchecked":
        papers.send(user, town.city)
    elif lack == "refused":
        paper = papers.send(user, town.city)
        regulation.refuse_paper(paper_id=paper.pk, reason="dark", by=OFFICER, at=NOON)
    elif lack == "ran_out":
        papers.accepted(user, town.city, expires_on=date(2027, 5, 3))
        at = NOON + 3 * DAY
    with pytest.raises(regulation.PapersNotInForce, match=f"paper_{lack}"):
        town.on_shift(at=at)
    assert Decision.objects.order_by("-pk").first().refusal == f"paper_{lack}"
    assert not Shift.objects.exists()


def test_a_shift_lasts_as_long_as_the_first_of_permit_and_papers(town):
    papers.ask_for(town.city)
    user = town.worker.user
    papers.accepted(user, town.city, expires_on=date(2027, 9, 1))
    papers.accepted(user, town.city, "insurance", expires_on=date(2027, 6, 1))
    town.on_shift()
    assert until(town).isoformat() == "2027-06-02T04:00:00+00:00"
    operations.leave_shift(worker_id=town.worker.pk, by=CITY, at=NOON)
    mine = Permit.objects.filter(provider=town.worker.provider)
    mine.update(valid=type(FOR_GOOD)(FOR_GOOD.lower, NOON + DAY))
    town.on_shift()
    assert until(town) == NOON + DAY


def test_a_city_that_asks_for_nothing_lets_a_shift_last(town):
    town.on_shift()
    assert until(town) is None


def test_a_renewed_paper_lets_a_shift_last_longer(town):
    papers.ask_for(town.city, "licence")
    papers.accepted(town.worker.user, town.city, expires_on=date(2027, 5, 1))
    town.on_shift()
    assert until(town).isoformat() == "2027-05-02T04:00:00+00:00"
    papers.accepted(town.worker.user, town.city, number="LIC-2", expires_on=date(2027, 7, 1))
    relay_all(NOON)
    assert until(town).isoformat() == "2027-07-02T04:00:00+00:00"


def test_a_paper_that_runs_out_takes_its_driver_off_line_after_the_ride(town):
    papers.ask_for(town.city, "licence")
    papers.accepted(town.worker.user, town.city, expires_on=date(2027, 5, 1))
    order = town.confirm()
    over = NOON + DAY
    dispatch.tidy(at=over)
    assert Shift.objects.open().exists()
    town.drive(order, over)
    dispatch.tidy(at=over)
    assert not Shift.objects.open().exists()


def test_a_paper_that_is_taken_back_takes_its_driver_off_line(town):
    papers.ask_for(town.city, "licence")
    paper = papers.accepted(town.worker.user, town.city)
    town.on_shift()
    for _ in range(2):
        regulation.revoke_paper(paper_id=paper.pk, reason="forged", by=OFFICER, at=NOON)
        relay_all(NOON)
    dispatch.tidy(at=NOON)
    assert not Shift.objects.open().exists()


def test_driver_and_fleet_part_when_nobody_is_to_be_driven(town):
    worker = town.worker
    team = {"provider_id": worker.provider_id, "user_id": worker.user_id}
    parties.add_member(**team, role="WORKER", by=CITY, at=NOON)
    order = town.confirm()
    with pytest.raises(dispatch.OnARun):
        operations.part_ways(worker_id=worker.pk, by=CITY, at=NOON)
    town.drive(order)
    for _ in range(2):
        operations.part_ways(worker_id=worker.pk, by=CITY, at=NOON + DAY)
    worker.refresh_from_db()
    assert not worker.is_active
    assert not Shift.objects.open().exists()


class TestForPrograms:
    @pytest.fixture
    def call(self, client, town):
        def call(method, user=None, **sent):
            headers = {}
            if user is not None:
                _token, secret = parties.issue_token(
                    user_id=user.pk, name="tests", expires_at=None, by=CITY, at=clock.now()
                )
                headers["Authorization"] = f"Bearer {secret}"
            return getattr(client, method)("/api/v1/driver/papers", sent, headers=headers)

        return call

    def test_a_driver_lists_and_sends(self, call, town):
        papers.ask_for(town.city)
        user = town.worker.user
        (first, _second) = call("get", user).json()
        assert (first["kind"], first["title"], first["state"]) == (
            "licence",
            "Driving licence",
            "missing",
        )
        last = (clock.now() + 400 * DAY).date().isoformat()
        told = {"kind": "licence", "number": "L1", "expires_on": last}
        answer = call("post", user, scan=upload(papers.picture()), **told)
        assert answer.status_code == 201
        assert (answer.json()["state"], answer.json()["number"]) == ("sent", "L1")
        assert call("get", town.rider).json()[0]["state"] == "missing"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"kind": "passport"}, "not_asked_for"),
            ({"expires_on": "2020-01-01"}, "paper_ran_out"),
            ({"expires_on": "soon"}, "invalid"),
            ({"number": "\x00"}, "invalid"),
            ({"scan": b"<html>"}, "invalid"),
            ({"scan": b""}, "invalid"),
        ],
    )
    def test_what_is_wrong_has_a_code(self, call, town, change, code):
        papers.ask_for(town.city)
        last = (clock.now() + 400 * DAY).date().isoformat()
        told = {"kind": "licence", "number": "L1", "expires_on": last} | change
        told["scan"] = upload(told.get("scan", papers.picture()))
        assert call("post", town.worker.user, **told).json()["code"] == code

    def test_a_visitor_signs_in(self, call):
        assert call("get").json()["code"] == "not_signed_in"

    def test_a_refused_shift_names_the_papers(self, client, town):
        papers.ask_for(town.city)
        client.force_login(town.worker.user)
        answer = client.post(
            "/api/v1/driver/shift", {"action": "on_line"}, content_type="application/json"
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "papers_not_in_force")


def upload(content, name="licence.jpg", kind="image/jpeg"):
    return SimpleUploadedFile(name, content, kind)
