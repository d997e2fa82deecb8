"""What riders, drivers and officers hear of rides."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Kind as Part
from apps.notifications import kinds
from apps.notifications.models import Channel

SOON = timedelta(minutes=15)

kinds.register(
    kinds.Kind(
        slug="ride_search_began",
        part=Part.CONSUMER,
        name=_("The search for the driver of a later ride begins"),
        title=_("We are looking for your driver"),
        text=_("For your ride at %(hour)s to %(dropoff)s"),
        icon="clock",
        lasts=timedelta(minutes=30),
        is_urgent=True,
    ),
    kinds.Kind(
        slug="ride_accepted",
        part=Part.CONSUMER,
        name=_("A driver is on the way"),
        title=_("%(driver)s is on the way"),
        text=_("%(colour)s %(make)s, %(plate)s, there in %(away)s"),
        icon="car",
        lasts=SOON,
        is_urgent=True,
    ),
    kinds.Kind(
        slug="ride_arrived",
        part=Part.CONSUMER,
        name=_("Your driver is here"),
        title=_("%(driver)s is here"),
        text=_("%(colour)s %(make)s, %(plate)s, at %(pickup)s"),
        icon="pin",
        lasts=SOON,
        is_urgent=True,
    ),
    kinds.Kind(
        slug="ride_given_back",
        part=Part.CONSUMER,
        name=_("Your driver cannot come"),
        title=_("Your driver cannot come"),
        text=_("We are looking for another one to %(dropoff)s."),
        icon="car",
        lasts=SOON,
        is_urgent=True,
    ),
    kinds.Kind(
        slug="ride_unserved",
        part=Part.CONSUMER,
        name=_("No driver was free"),
        title=_("No driver was free"),
        text=_("Nobody could take you to %(dropoff)s. Nothing was taken from your card."),
        icon="car",
        lasts=timedelta(hours=1),
        is_urgent=True,
    ),
    kinds.Kind(
        slug="ride_called_off",
        part=Part.CONSUMER,
        name=_("The driver or the city called your ride off"),
        title=_("Your ride was called off"),
        text=_("To %(dropoff)s. What it means for you stands on its page."),
        icon="car",
        lasts=timedelta(hours=1),
        is_urgent=True,
    ),
    kinds.Kind(
        slug="ride_offered",
        part=Part.WORKER,
        name=_("An offer, while you are on line"),
        title=_("A ride for you: %(pay)s"),
        text=_("%(away)s to the pick-up, then %(far)s"),
        icon="car",
        is_urgent=True,
        is_fleeting=True,
        over=_("The offer has run out"),
    ),
    kinds.Kind(
        slug="rider_called_off",
        part=Part.WORKER,
        name=_("A rider calls off"),
        title=_("The ride was called off"),
        text=_("You need not go to %(pickup)s any more."),
        icon="car",
        lasts=SOON,
        is_urgent=True,
    ),
    *(
        kinds.Kind(
            slug=slug,
            part=Part.WORKER,
            name=name,
            title=title,
            text=text,
            icon="file",
            lasts=timedelta(days=3),
            channels=kinds.EVERYWHERE,
            always=frozenset({Channel.SCREEN}),
        )
        for slug, name, title, text in (
            ("paper_accepted", _("A paper is accepted"), _("Accepted: %(paper)s"), ""),
            (
                "paper_refused",
                _("A paper is refused"),
                _("Not accepted: %(paper)s"),
                "%(reason)s",
            ),
            (
                "paper_revoked",
                _("A paper is no longer accepted"),
                _("No longer accepted: %(paper)s"),
                "%(reason)s",
            ),
            (
                "paper_runs_out",
                _("A paper runs out soon"),
                _("Runs out soon: %(paper)s"),
                _("It is valid through %(until)s. Send the new one before, or you cannot drive."),
            ),
        )
    ),
    *(
        kinds.Kind(
            slug=slug,
            part=part,
            name=name,
            title=title,
            text=text,
            icon="bag",
            lasts=timedelta(days=2),
            channels=kinds.EVERYWHERE,
        )
        for slug, part, name, title, text in (
            (
                "lost_reported",
                Part.WORKER,
                _("A rider left something in your car"),
                _("Left in your car: %(what)s"),
                _("Have a look and say whether you found it."),
            ),
            (
                "lost_found",
                Part.CONSUMER,
                _("What you left in a car is found"),
                _("Found: %(what)s"),
                _("See how you get it back."),
            ),
            (
                "lost_not_found",
                Part.CONSUMER,
                _("What you left in a car is not found"),
                _("Not found: %(what)s"),
                _("The driver has looked. Your report stays open for a fortnight."),
            ),
            (
                "lost_returned",
                Part.CONSUMER,
                _("A lost item is returned"),
                _("Returned: %(what)s"),
                "",
            ),
            (
                "lost_withdrawn",
                Part.WORKER,
                _("A rider found it elsewhere"),
                _("No longer missing: %(what)s"),
                "",
            ),
            (
                "lost_closed",
                Part.CONSUMER,
                _("A report of a lost item is closed"),
                _("Closed: %(what)s"),
                _("The report is closed. The city's desk knows more."),
            ),
        )
    ),
    kinds.Kind(
        slug="alert_raised",
        part=Part.OFFICER,
        name=_("A call for help"),
        title=_("Call for help: ride %(ride)s"),
        text=_("Somebody on this ride needs the city now. Take it up at once."),
        icon="alert",
        always=frozenset({Channel.SCREEN, Channel.PUSH}),
        lasts=timedelta(hours=12),
        is_urgent=True,
    ),
)
