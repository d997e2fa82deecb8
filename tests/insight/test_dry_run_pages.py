"""The office's pages of a dry run: asked for, watched, called off, read."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from apps.insight import dry_run_words, trying_out
from apps.insight.models import DryRun
from apps.insight.trying.tally import EDGES
from apps.kernel import clock
from apps.regulation.models import PolicyVersion
from tests import rides
from tests.browser import assert_accessible, each_look, screenshot, watch
from tests.factories import UserFactory, ZoneFactory
from tests.insight.test_dry_run import FARE, ask, back, done
from tests.policies import approved, drafted, proposed
from tests.rides import relay_all

pytestmark = pytest.mark.django_db
ALL = ("view_policy", "propose_policy", "approve_policy", "view_order")


def officer(client, *permissions, **about):
    user = UserFactory(is_staff=True, **about)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def runs_of(version):
    return reverse("insight:dry-runs", args=[version.pk])


def page_of(run):
    return reverse("insight:dry-run", args=[run.ref])


def tried(version):
    run = ask(version, until=clock.now())
    trying_out.try_out(run.pk)
    run.refresh_from_db()
    return run


def month():
    """One ride from the centre, one to it, and a draft that closes the centre to pick-ups."""
    town, at = rides.town(), clock.now() - timedelta(days=2)
    ZoneFactory(name="Centro")
    done(town, at=at)
    done(town, at=at + timedelta(hours=3), quote=back(town, at + timedelta(hours=3)))
    scope = {"zones": ["centre"], "ends": ["pickup"]}
    return town, drafted("closed", scope=scope, title="No pick-ups")


def test_a_button_on_the_policys_page_begins_a_run_of_the_last_30_days(client):
    version = drafted("fee", {"flat_minor": 100})
    valentina = officer(client, *ALL)
    policy = client.get(reverse("admin:regulation_policy_change", args=[version.policy_id]))
    assert f'action="{runs_of(version)}"' in policy.content.decode()

    answer = client.post(runs_of(version))
    again = client.post(runs_of(version))

    run = DryRun.objects.get()
    assert answer.url == again.url == page_of(run)
    assert (run.started_by, run.until - run.since) == (valentina, timedelta(days=30))
    page = client.get(answer.url).content.decode()
    assert "It waits for a worker." in page
    assert "Call it off" in page


def test_the_news_of_it_reaches_a_worker(client, django_capture_on_commit_callbacks):
    version = drafted("fee", {"flat_minor": 100})
    officer(client, *ALL)
    client.post(runs_of(version))

    with django_capture_on_commit_callbacks(execute=True):
        relay_all(clock.now())

    assert DryRun.objects.get().state == "DONE"


def test_progress_asks_again_until_the_run_has_ended(client):
    run = ask(drafted("fee", {"flat_minor": 100}))
    officer(client, *ALL)
    url = reverse("insight:dry-run-progress", args=[run.ref])

    waiting = client.get(url)
    client.post(reverse("insight:dry-run-cancel", args=[run.ref]))
    ended = client.get(url)

    assert ("HX-Refresh" in waiting, ended.headers["HX-Refresh"]) == (False, "true")
    assert 'hx-trigger="every 1s"' in waiting.content.decode()
    assert "hx-get" not in ended.content.decode()
    assert "called off before it was done" in client.get(page_of(run)).content.decode()


def test_the_result_says_it_in_words_with_its_limits_and_digest(client):
    _, version = month()
    run = tried(version)
    officer(client, *ALL)

    page = client.get(page_of(run)).content.decode().replace("\xa0", " ")

    assert "Of 2 orders, 1 would have been refused (50.0 %)." in page
    assert "People would have paid CLP 2,608 less." in page
    assert "Drivers would have got CLP 2,359 less." in page
    assert "Drivers were bound for" in page
    assert "How much sooner a car would have come to others is not known" in page
    assert run.digest in page
    sample = run.result["samples"][0]
    assert reverse("admin:orders_order_change", args=[sample[1]]) in page
    assert client.get(reverse("admin:orders_order_change", args=[sample[1]])).status_code == 200


def test_it_is_read_in_spanish(client):
    _, version = month()
    run = tried(version)
    officer(client, *ALL)

    page = client.get(page_of(run), headers={"accept-language": "es"}).content.decode()
    page = page.replace("\xa0", " ")

    assert "De 2 pedidos se habrían rechazado 1 (50,0 %)." in page
    assert "La gente habría pagado $2.608 menos." in page
    assert "Cómo se calculó y qué no puede decir" in page


def test_it_says_so_when_there_is_nothing_to_try_it_on(client):
    run = tried(drafted("fee", {"flat_minor": 100}))
    officer(client, *ALL)

    page = client.get(page_of(run)).content.decode()

    assert "No ride was ordered in this time, so nothing can be said." in page
    assert "<table" not in page


def test_the_sheet_has_each_district_in_minor_units(client):
    _, version = month()
    run = tried(version)
    officer(client, *ALL)

    answer = client.get(reverse("insight:dry-run-districts", args=[run.ref]))

    centre, outside = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (centre["district"], centre["orders"], centre["refused"]) == ("Centro", "1", "1")
    assert (outside["district"], outside["refused"]) == ("Outside the districts", "0")
    assert {side: centre[f"{side}_refused"] for side in FARE} == {
        side: str(-amount) for side, amount in FARE.items()
    }


def test_a_draft_changed_since_and_an_earlier_try_alike_are_told(client):
    version = drafted("fee", {"flat_minor": 100})
    officer(client, *ALL)
    one = ask(version, until=clock.now())
    trying_out.try_out(one.pk)
    second = ask(version, since=one.since, until=one.until)
    trying_out.try_out(second.pk)

    page = client.get(page_of(second)).content.decode()
    assert "An earlier try had the same." in page
    assert "changed since" not in page
    drafted("fee", {"flat_minor": 200}, policy_id=version.policy_id)
    assert "The draft was changed since" in client.get(page_of(second)).content.decode()


def test_what_cannot_be_tried_says_why(client):
    officer(client, *ALL)
    decided = approved(proposed("fee", {"flat_minor": 100}))

    said = client.post(runs_of(decided), follow=True).content.decode()
    assert "It is decided already" in said
    said = client.post(runs_of(drafted("speed", {"kmh": 30})), follow=True).content.decode()
    assert "Orders do not tell what a rule of this kind would have changed" in said
    assert not DryRun.objects.exists()


@pytest.mark.parametrize(
    ("permissions", "looks", "acts"),
    [
        ((), 403, 403),
        (("view_policy", "stop_policy"), 403, 403),
        (("approve_policy",), 200, 403),
        (("propose_policy",), 200, 302),
    ],
)
def test_whoever_writes_rules_tries_them_and_whoever_decides_looks(
    client, permissions, looks, acts
):
    version = drafted("fee", {"flat_minor": 100})
    run = tried(version)
    officer(client, *permissions)
    looked = [
        client.get(url).status_code
        for url in (
            runs_of(version),
            page_of(run),
            reverse("insight:dry-run-progress", args=[run.ref]),
            reverse("insight:dry-run-districts", args=[run.ref]),
        )
    ]
    cancel = reverse("insight:dry-run-cancel", args=[run.ref])
    acted = [client.post(url).status_code for url in (runs_of(version), cancel)]

    assert (looked, acted) == ([looks] * 4, [acts] * 2)
    client.force_login(UserFactory())
    assert client.get(page_of(run)).status_code == 302
    assert PolicyVersion.objects.get().state == "DRAFT"


def test_each_bar_has_a_label_and_the_same_stands_in_the_middle():
    labels = dry_run_words.bar_labels()

    assert len(labels) == len(EDGES) + 2
    assert labels == [
        "50 % or more cheaper", "25 to 50 % cheaper", "10 to 25 % cheaper", "up to 10 % cheaper",
        "the same",
        "up to 10 % dearer", "10 to 25 % dearer", "25 to 50 % dearer", "more than 50 % dearer",
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
@each_look
def test_a_dry_run_in_a_browser(new_page, site, client, width, theme):
    _, version = month()
    officer(client, *ALL)
    page = new_page(width=width, theme=theme)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": site}]
    )
    told = watch(page)

    page.goto(f"{site}{reverse('admin:regulation_policy_change', args=[version.policy_id])}")
    assert_accessible(page)
    page.get_by_role("button", name="Try it on the last month").press("Enter")
    page.get_by_text("It waits for a worker.").wait_for()
    assert_accessible(page)
    screenshot(page, f"dry-run-waits-{width}-{theme}", full=True)
    trying_out.try_out(DryRun.objects.get().pk)
    page.get_by_text("Of 2 orders, 1 would have been refused").wait_for()
    page.get_by_role("link", name="The districts as CSV").wait_for()
    assert_accessible(page)
    screenshot(page, f"dry-run-{width}-{theme}", full=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Earlier tries").click()
    page.get_by_text("How often it was tried").wait_for()
    assert_accessible(page)
    screenshot(page, f"dry-runs-{width}-{theme}", full=True)
    assert told == []
