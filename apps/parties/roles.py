"""Who may do what in the city's office: abilities in plain words, and the roles made of them.

This is the one place where it stands.  `operations.write_roles` turns every role into a group with
exactly these permissions after each migration, the page "Who may do what" and `docs/permissions.md`
are drawn from it.  A name ending in `*` stands for every permission of an app's models to look.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What an inspector is granted on each district, by guardian.
INSPECT = "places.inspect_zone"


@dataclass(frozen=True)
class Ability:
    """Something an officer can do, in words, and the permissions that it takes."""

    words: str | Promise
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class Role:
    """A place in the city's office.

    With `over`, such as `places.zone`, it is given for one row of that kind at a time: the person
    is granted `grant` on that row, and what stands in the city stays closed.
    """

    name: str | Promise
    says: str | Promise
    can: tuple[str, ...]
    over: str = ""
    grant: str = ""


ABILITIES: dict[str, Ability] = {
    "inspect_districts": Ability(
        _("see orders, providers, workers and permits of their districts"), ()
    ),
    "inspect_in_districts": Ability(
        _("inspect a person or provider of their districts, for a while, as those see it"), ()
    ),
    "inspect_people": Ability(
        _("inspect any person or provider, for a while, as those see it"),
        ("inspection.inspect_person",),
    ),
    "see_rides": Ability(
        _("see orders and rides of the whole city, and the live map"),
        (
            "orders.view_*",
            "mobility.view_*",
            "dispatch.view_shift",
            "dispatch.view_run",
            "dispatch.view_job",
            "dispatch.view_offer",
            "listings.view_*",
        ),
    ),
    "see_ways": Ability(_("see the way of a ride, saying why"), ("dispatch.view_trace",)),
    "answer_calls": Ability(
        _("answer calls for help, close safety checks and reports of lost things"),
        ("mobility.answer_alert", "mobility.close_safetycheck", "mobility.close_lost"),
    ),
    "end_orders": Ability(_("call off an order for the city"), ("orders.act_on_order",)),
    "see_parties": Ability(
        _("see people, providers and who works for whom"),
        (
            "parties.view_user",
            "parties.view_consumer",
            "parties.view_provider",
            "parties.view_membership",
            "parties.view_worker",
            "parties.view_joining",
        ),
    ),
    "see_permits": Ability(
        _("see permits, applications, papers, cases and what the city decided"),
        ("regulation.view_*",),
    ),
    "grant_permits": Ability(
        _("grant, revoke and restore permits"),
        ("regulation.add_permit", "regulation.revoke_permit"),
    ),
    "check_papers": Ability(
        _("accept and refuse papers, and say which the city asks for"),
        (
            "regulation.check_paper",
            "regulation.add_requirement",
            "regulation.change_requirement",
        ),
    ),
    "work_cases": Ability(
        _("work on complaints, inspections and appeals, and end exemptions"),
        ("regulation.work_case", "regulation.end_exemption"),
    ),
    "set_terms": Ability(
        _("set the terms of permits, the deadlines and the days off"),
        (
            "regulation.add_permitterms",
            "regulation.change_permitterms",
            "regulation.add_deadline",
            "regulation.change_deadline",
            "regulation.add_dayoff",
            "regulation.change_dayoff",
        ),
    ),
    "keep_vehicles": Ability(
        _("write down vehicles"),
        ("mobility.view_vehicle", "mobility.add_vehicle", "mobility.change_vehicle"),
    ),
    "keep_shelf": Ability(
        _("put listings on offer and take them off"),
        ("listings.view_listing", "listings.change_listing"),
    ),
    "see_money": Ability(
        _("see payments, the ledger, payouts, disputes, reconciliation, tariffs, taxes and fees"),
        (
            "payments.view_*",
            "ledger.view_*",
            "settlement.view_*",
            "treasury.view_*",
            "disputes.view_*",
            "pricing.view_*",
        ),
    ),
    "move_money": Ability(
        _(
            "give money back, answer disputes, settle unpaid cash, ask the bank again, "
            "hold and release payouts, keep back reserves, say where the city is paid, "
            "hand in bank statements, explain and correct differences"
        ),
        (
            "payments.refund_payment",
            "payments.settle_debt",
            "payments.ask_again",
            "settlement.hold_payout",
            "settlement.set_reserve",
            "settlement.set_payee",
            "treasury.read_lines",
            "treasury.work_difference",
            "treasury.approve_correction",
            "payments.process_event",
            "disputes.answer_dispute",
        ),
    ),
    "set_levies": Ability(
        _("propose, approve and end taxes and fees, issue vouchers, allow or end cash"),
        (
            "pricing.add_levy",
            "pricing.approve_levy",
            "pricing.end_levy",
            "pricing.issue_voucher",
            "places.view_city",
            "places.choose_cash",
        ),
    ),
    "see_rules": Ability(
        _("see the city's rules, its zones and streets"),
        ("regulation.view_policy", "places.view_*", "mobility.view_safetyrules"),
    ),
    "propose_rules": Ability(
        _("draft and propose rules, draw zones, and say when a ride is unusual"),
        (
            "regulation.propose_policy",
            "places.add_zone",
            "places.change_zone",
            "mobility.add_safetyrules",
            "mobility.change_safetyrules",
        ),
    ),
    "approve_rules": Ability(
        _("approve rules that somebody else proposed"), ("regulation.approve_policy",)
    ),
    "stop_rules": Ability(_("stop a rule at once"), ("regulation.stop_policy",)),
    "see_records": Ability(
        _("see the record of who did what, seals, looks, inspections and the machinery"),
        (
            "audit.view_*",
            "inspection.view_*",
            "bus.view_*",
            "notifications.view_*",
            "reviews.view_*",
        ),
    ),
    "send_again": Ability(
        _("send news once more, and make keys of programs worthless"),
        (
            "bus.view_*",
            "bus.retry_delivery",
            "notifications.view_*",
            "notifications.retry_sending",
            "parties.view_apitoken",
            "parties.change_apitoken",
        ),
    ),
    "keep_people": Ability(
        _("open and close accounts of people"),
        ("parties.view_user", "parties.add_user", "parties.change_user"),
    ),
    "see_roles": Ability(
        _("see who has which role"), ("parties.view_appointment", "auth.view_group")
    ),
    "give_roles": Ability(_("give roles to others and take them"), ("parties.give_role",)),
}

ROLES: dict[str, Role] = {
    "inspector": Role(
        _("district inspector"),
        _("Looks into what happens in the districts that were given to them, and changes nothing."),
        ("inspect_districts", "inspect_in_districts"),
        over="places.zone",
        grant=INSPECT,
    ),
    "clerk": Role(
        _("licensing clerk"),
        _("Decides on applications, papers, permits and cases."),
        (
            "see_parties",
            "see_permits",
            "grant_permits",
            "check_papers",
            "work_cases",
            "set_terms",
            "keep_vehicles",
            "keep_shelf",
        ),
    ),
    "treasurer": Role(
        _("treasurer"),
        _("Keeps the city's money: payments, books, payouts, taxes and fees."),
        ("see_money", "move_money", "set_levies"),
    ),
    "auditor": Role(
        _("auditor"),
        _("Sees everything and changes nothing."),
        (
            "see_rides",
            "see_ways",
            "see_parties",
            "see_permits",
            "see_money",
            "see_rules",
            "see_records",
            "see_roles",
        ),
    ),
    "duty": Role(
        _("duty officer"),
        _("Watches the city as it runs, and is there when somebody calls for help."),
        ("see_rides", "see_ways", "answer_calls", "end_orders", "stop_rules", "send_again"),
    ),
    "rules": Role(
        _("policy officer"),
        _("Writes the city's rules, each of which a second one must approve."),
        ("see_rules", "propose_rules", "approve_rules", "stop_rules"),
    ),
    "administrator": Role(
        _("administrator"),
        _("Gives roles and takes them, never their own, and inspects people for a stated purpose."),
        ("keep_people", "inspect_people", "see_roles", "give_roles"),
    ),
}


def choices() -> list[tuple[str, str | Promise]]:
    """The roles as a form offers them."""
    return [(code, role.name) for code, role in ROLES.items()]


def permissions_of(role: Role) -> set[str]:
    """Every permission that a role brings for the whole city, `*` not yet spelled out."""
    return {name for ability in role.can for name in ABILITIES[ability].permissions}
