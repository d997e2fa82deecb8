"""What the demo shows of taxes and fees: one that waits for the second pair of eyes."""

from datetime import timedelta

from apps.kernel.actors import Kind
from apps.parties.models import User
from apps.places.demo import Demo
from apps.pricing import operations
from apps.pricing.levies import Kind as Sum
from apps.pricing.levies import Per, Rule, Share
from apps.pricing.models import Levy, Payee

NUMBER = "AIRE-1"


def seed(demo: Demo) -> None:
    """The treasurer has proposed it, for next month; so it is in no price of the demo."""
    treasurer = User.objects.filter(email__startswith="rodrigo@", is_staff=True).first()
    if treasurer is None or Levy.objects.filter(city=demo.city, number=NUMBER).exists():
        return
    rule = Rule(
        number=NUMBER,
        code="clean_air",
        name="Aporte por aire limpio",
        vertical="mobility",
        shares=(Share(Payee.CITY, "parks"),),
        kind=Sum.AMOUNT,
        rate=50,
        per=Per.RIDE,
        begins=demo.at + timedelta(days=30),
    )
    operations.propose_levy(
        city_id=demo.city.pk,
        rule=rule,
        officer_id=treasurer.pk,
        by=treasurer.acting(Kind.OFFICER),
        at=demo.at,
    )
