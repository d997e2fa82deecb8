"""A city changes its rules and all obey at once; who is refused appeals; everything is sealed."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from shapely.geometry import shape

from cityplatform.installation import ROOT
from tests.browser import assert_accessible, screenshot, watch
from tests.journeys.riding import LIGHTHOUSE, PLAZA, City, Refused

pytestmark = pytest.mark.journey

type NewPage = Callable[..., Page]

STREET = "Cordovez"
CAP = "When many ask, a fare is at most 1.2 times the tariff."
CLOSED = "Nobody is picked up on Cordovez during the fair."
# In force everywhere, the issue of the rules says, within so many seconds.
SOON = 5.0

REVOKE = """
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.parties.models import User, Worker
from apps.regulation import operations
from apps.regulation.models import Permit
officer = User.objects.get(email__startswith="valentina")
provider = Worker.objects.get(user__email__startswith="rosa").provider_id
permit = Permit.objects.get(provider=provider, vertical="mobility", revoked_at=None)
operations.revoke_permit(
    permit_id=permit.pk, reason="The fleet did not show its insurance.",
    by=officer.acting(Kind.OFFICER), at=clock.now(),
)
"""


def sign_in(page: Page, city: City, name: str, path: str) -> None:
    page.goto(f"{city.url}/accounts/login/?next={path}")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"**{path}")


def surge(city: City, rider: str = "camila") -> tuple[int, str]:
    """The factor of a ride from the plaza now, and the rule that holds it down."""
    bundle = city.api(rider, "POST", "rides/quotes", {"pickup": PLAZA, "dropoff": LIGHTHOUSE})
    lines = next(one["lines"] for one in bundle["quotes"] if one["kind"] == "standard")
    lifted = [line for line in lines if line["code"] == "surge"]
    return (lifted[0]["rate"], lifted[0]["rule"]) if lifted else (10_000, "")


def draft(officer: Page, city: City, kind: str, title: str) -> None:
    officer.goto(f"{city.url}/admin/regulation/policy/add/{kind}/")
    officer.fill("[name=title]", title)
    officer.fill("[name=why]", "The fair brings everybody to the centre.")


def propose(officer: Page) -> str:
    """Keep the draft and propose it.  Returns its page's address."""
    officer.get_by_role("button", name="Keep the draft").click()
    officer.get_by_role("button", name="Propose").click()
    expect(officer.locator(".desk__state--proposed")).to_be_visible()
    return officer.url.partition("#")[0]


def approve(colleague: Page, policy: str) -> None:
    colleague.goto(policy)
    colleague.get_by_role("link", name="Approve").click()
    colleague.get_by_role("button", name="Approve").click()
    expect(colleague.locator(".desk__state--in_force")).to_be_visible()


def test_a_rule_is_drawn_approved_and_obeyed_and_a_refusal_is_won(
    city: City, new_page: NewPage, tmp_path: Path
):
    officer, colleague, clerk = (new_page(width=1280, theme="light") for _ in range(3))
    complaints = watch(officer), watch(colleague), watch(clerk)
    sign_in(officer, city, "Valentina Soto", "/admin/")
    sign_in(colleague, city, "Francisca Vidal", "/admin/")

    # Nobody drives and three wait: the fare is lifted as far as the city lets it.
    for driver in ("rosa", "marco"):
        city.until(lambda name=driver: off_line(city, name))
    waiting = [city.place("camila") for _ in range(3)]
    city.until(lambda: surge(city)[0] == 15_000, 150)

    # One officer draws a street and drafts two rules; the desk reads them back in words.
    officer.goto(f"{city.url}/admin/places/zone/add/")
    officer.fill("[name=name]", "Fair on Cordovez")
    officer.fill("[name=street]", STREET)
    officer.locator("form button[type=submit]").last.click()
    edge = city.until(
        lambda: city.rows("SELECT boundary FROM places_zone WHERE name = 'Fair on Cordovez'")
    )[0][0]
    spot = shape(edge).representative_point()
    draft(officer, city, "price", CAP)
    officer.fill("[name=terms_surge_most_bp]", "1.2")
    expect(officer.locator("#preview")).to_contain_text("1.2")
    screenshot(officer, "rules-1-draft")
    cap = propose(officer)
    officer.get_by_role("button", name="Try it on the last month").click()
    expect(officer.get_by_role("button", name="Try it again")).to_be_visible(timeout=90_000)
    screenshot(officer, "rules-2-tried")
    draft(officer, city, "closed", CLOSED)
    officer.get_by_label("Fair on Cordovez").check()
    closed = propose(officer)
    screenshot(officer, "rules-3-proposed")

    # A colleague approves; prices and pick-ups follow within seconds.
    approve(colleague, cap)
    began = time.monotonic()
    number = city.until(lambda: surge(city)[1] if surge(city)[0] == 12_000 else "", SOON)
    told_prices = time.monotonic() - began
    assert re.fullmatch(r"P-\d+/1", number)
    trip = {"pickup": {"lat": spot.y, "lon": spot.x, "name": STREET}, "dropoff": LIGHTHOUSE}
    city.api("camila", "POST", "rides/quotes", trip)
    approve(colleague, closed)
    began = time.monotonic()
    no = city.until(lambda: refusal(city, "camila", "rides/quotes", trip), SOON)
    told_pickups = time.monotonic() - began
    assert CLOSED in no["title"]
    print(f"in force after {told_prices:.2f} s (prices) and {told_pickups:.2f} s (pick-ups)")
    for ref in waiting:
        city.api("camila", "POST", f"orders/{ref}/steps", {"step": "cancel"})

    # A driver whose fleet has lost its permit is refused in the rule's words, and appeals.
    city.platform.manage("shell", "-c", REVOKE)
    shift = {"action": "on_line"}
    no = city.until(lambda: refusal(city, "rosa", "driver/shift", shift))
    assert (no["code"], no["rule"]) == ("not_permitted", "1.4")
    driver = new_page(width=390, theme="dark")
    sign_in(driver, city, "Rosa Pizarro", f"/appeal/{no['decision']}/")
    assert_accessible(driver)
    driver.fill("[name=words]", "The insurance was sent in on Monday; here is its number.")
    driver.locator("main form button").last.click()
    driver.wait_for_url("**/cases/**")
    screenshot(driver, "rules-4-appeal")

    # A clerk who had no part in it decides for her; she drives again.
    mine = "SELECT id FROM regulation_casefile WHERE kind = 'appeal' AND about = %s"
    case = city.until(lambda: city.rows(mine, no["decision"]))[0][0]
    sign_in(clerk, city, "Javiera Bravo", f"/admin/regulation/casefile/{case}/change/")
    clerk.locator("button[value=take]").click()
    close = clerk.locator("form:has(input[name=act][value=close])")
    clerk.locator("details:has(input[name=act][value=close]) summary").click()
    close.locator("[name=outcome]").select_option("granted")
    close.locator("[name=words]").fill("The insurance is in force. The permit comes back.")
    close.locator("button").click()
    screenshot(clerk, "rules-5-granted")
    driver.reload()
    expect(driver.locator("main")).to_contain_text("The permit comes back.")
    city.until(lambda: city.api("rosa", "POST", "driver/shift", shift))
    assert city.until(lambda: off_line(city, "rosa"))
    assert complaints == ([], [], [])

    # An outsider verifies all of it, with the export and the public key alone.
    city.until(lambda: sealed(city), 150)
    export = tmp_path / "evidence"
    city.platform.manage("export_evidence", str(export))
    key = city.until(lambda: city.api("camila", "GET", "evidence/roots"))["keys"][0]
    told = subprocess.run(
        [sys.executable, "-m", "apps.audit.verifying", str(export), "--key", key],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    rows = "".join(path.read_text() for path in export.glob("*decision*"))
    assert no["decision"] in rows


def off_line(city: City, driver: str) -> bool:
    city.api(driver, "POST", "driver/shift", {"action": "off_line"})
    return True


def refusal(city: City, who: str, path: str, body: object) -> dict[str, str]:
    """What the city says when it refuses; nothing while it does not."""
    try:
        city.api(who, "POST", path, body)
    except Refused as no:
        if no.status != 403:
            raise
        told: dict[str, str] = json.loads(no.told)
        return told
    return {}


def sealed(city: City) -> bool:
    """Whether the last decision stands under a seal."""
    last = city.one("SELECT max(id) FROM regulation_decision")
    until = city.one("SELECT max(last_id) FROM audit_seal WHERE stream = 'regulation.decision'")
    return until is not None and until >= last
