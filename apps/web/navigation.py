"""What stands in the bars.  Only what exists is shown: a page that is not there has no link."""

from dataclasses import dataclass
from functools import cache

from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.parties.models import User
from apps.parties.queries import providers_of


@dataclass(frozen=True, slots=True)
class Page:
    path: str
    label: str | Promise
    icon: str


HOME = Page("/", _("Home"), "home")
RIDES = Page("/rides/", _("Rides"), "car")
ORDERS = Page("/orders/", _("Orders"), "receipt")
CITY = Page("/city/", _("The city now"), "map")
DRIVE = Page("/drive/", _("Drive"), "car")
EARNINGS = Page("/earnings/", _("Earnings"), "wallet")
OFFICE = Page("/admin/", _("City office"), "landmark")
ME = Page("/me/", _("Me"), "person")
SIGN_IN = Page("/accounts/login/", _("Sign in"), "person")
NEWS = Page("/me/notices/", _("How you hear of things"), "bell")
CARDS = Page("/me/cards/", _("Payment methods"), "card")
PLACES = Page("/me/places/", _("Your places"), "pin")
TOKENS = Page("/me/tokens/", _("Keys for programs"), "key")
PASSWORD = Page("/accounts/password/change/", _("Password"), "lock")
EMAIL = Page("/accounts/email/", _("E-mail addresses"), "message")
SECOND_FACTOR = Page("/accounts/2fa/", _("Second step at sign-in"), "shield")
JOIN = Page("/drive/join/", _("Drive for the city"), "car")
FLEET = Page("/drive/fleet/", _("Your drivers"), "list")
LOOKS = Page("/me/looks/", _("Who looked at my data"), "search")
PERMITS = Page("/permits/", _("Your permits"), "landmark")
CASES = Page("/cases/", _("Your cases"), "file")
HELP = Page("/help/", _("Help"), "help")


@cache
def _exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def _existing(*pages: Page) -> list[Page]:
    return [page for page in pages if _exists(page.path)]


def services() -> list[Page]:
    """The trades of the city that a citizen can use today."""
    return _existing(RIDES, CITY)


def account_pages(user: User) -> list[Page]:
    """What a person looks after, on the page about themself."""
    team = [FLEET, PERMITS] if providers_of(user, "operate_provider").exists() else []
    account = (EMAIL, PASSWORD, SECOND_FACTOR, TOKENS, LOOKS)
    return _existing(ORDERS, PLACES, CARDS, NEWS, JOIN, *team, CASES, *account)


def _sees_money(user: User) -> bool:
    """Whether some provider's money is theirs to see; a team's plain workers do not."""
    return user.memberships.exists() and providers_of(user, "see_provider_money").exists()


def own_pages(user: User | None) -> list[Page]:
    """What only this person has in the top bar, by the hats they wear."""
    if user is None:
        return []
    pages = []
    if hasattr(user, "worker"):
        pages.append(DRIVE)
    if _sees_money(user):
        pages.append(EARNINGS)
    if user.is_staff:
        pages.append(OFFICE)
    pages.append(ORDERS)
    return _existing(*pages)


def bottom_pages(user: User | None) -> list[Page]:
    """Four places under the thumb."""
    if user is None:
        return _existing(HOME, RIDES, HELP, SIGN_IN)
    if hasattr(user, "worker"):
        return _existing(HOME, DRIVE, EARNINGS if _sees_money(user) else ORDERS, ME)
    if user.is_staff:
        return _existing(HOME, ORDERS, OFFICE, ME)
    return _existing(HOME, RIDES, ORDERS, ME)
