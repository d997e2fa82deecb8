from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.bus.models import Event
from apps.kernel.actors import Kind
from apps.orders.models import Order
from apps.parties import operations as parties
from apps.parties import queries
from apps.parties.models import Appointment, User
from apps.parties.operations.appointing import spelled_out
from apps.parties.roles import ABILITIES, INSPECT, ROLES
from apps.places.demo import Demo, seed
from tests import factories, rides
from tests.factories import CITY, NOON

pytestmark = pytest.mark.django_db


def holder(role, over=None, **more) -> User:
    """Somebody who was given a role by the platform."""
    user = factories.UserFactory(**more)
    parties.give_role(user_id=user.pk, role=role, over=over, reason="tests", by=CITY, at=NOON)
    return User.objects.get(pk=user.pk)


@pytest.fixture
def chief():
    return holder("administrator", name="Hernán Silva", email="chief@example.org")


def give(by, user, role, over=None):
    return parties.give_role(
        user_id=user.pk, role=role, over=over, reason="new", by=by.acting(Kind.OFFICER), at=NOON
    )


class TestGroups:
    def test_each_role_is_a_group_with_exactly_what_the_code_says(self):
        kept = {
            f"{p.content_type.app_label}.{p.codename}": p.pk
            for p in Permission.objects.select_related("content_type")
        }
        for code, role in ROLES.items():
            group = Group.objects.get(name=code)
            has = {p.pk for p in group.permissions.all()}
            assert has == {kept[name] for name in spelled_out(role, kept)}, code

    def test_whoever_bent_a_group_by_hand_is_corrected_by_the_next_migration(self):
        group = Group.objects.get(name="auditor")
        group.permissions.add(Permission.objects.get(codename="refund_payment"))
        group.permissions.remove(Permission.objects.get(codename="view_order"))

        parties.write_roles()

        names = set(group.permissions.values_list("codename", flat=True))
        assert "refund_payment" not in names
        assert "view_order" in names

    def test_an_auditor_changes_nothing(self):
        names = Group.objects.get(name="auditor").permissions.values_list("codename", flat=True)
        assert all(name.startswith("view_") for name in names)

    def test_every_ability_belongs_to_a_role(self):
        assert {code for role in ROLES.values() for code in role.can} == set(ABILITIES)

    def test_whatever_an_officer_may_do_is_in_some_role(self):
        """The permissions that our models bring beyond Django's four."""
        own = {
            f"{p.content_type.app_label}.{p.codename}"
            for p in Permission.objects.filter(content_type__app_label__in=APPS)
            if p.codename.split("_")[0] not in ("add", "change", "delete", "view")
        }
        given = {name for ability in ABILITIES.values() for name in ability.permissions}
        # Granted on one provider or one district, never on all.
        by_row = {"parties.operate_provider", "parties.see_provider_money", INSPECT}
        assert own - given == by_row


APPS = (
    *("bus", "audit", "parties", "notifications", "places", "regulation", "listings", "dispatch"),
    *("ledger", "pricing", "payments", "orders", "settlement", "reviews", "mobility"),
)


class TestGiving:
    def test_a_role_opens_the_office_and_stays_on_record(self, chief):
        person = factories.UserFactory()

        given = give(chief, person, "treasurer")

        person = User.objects.get(pk=person.pk)
        assert person.is_staff
        assert person.has_perm("payments.refund_payment")
        assert not person.has_perm("regulation.add_permit")
        assert (given.given_by, given.reason, given.given_at) == (chief, "new", NOON)
        told = Event.objects.get(topic="parties.role_given", body__user=person.pk)
        assert (told.by, told.body["role"]) == (f"officer:{chief.pk}", "treasurer")

    def test_giving_twice_is_harmless(self, chief):
        person = factories.UserFactory()

        assert give(chief, person, "clerk") == give(chief, person, "clerk")

        assert Event.objects.filter(topic="parties.role_given", body__user=person.pk).count() == 1

    def test_nobody_gives_themself_a_role(self, chief):
        with pytest.raises(parties.OwnRole):
            give(chief, chief, "treasurer")

    def test_the_database_says_so_too(self, chief):
        with pytest.raises(IntegrityError, match="nobody_appoints_themself"), transaction.atomic():
            Appointment.objects.create(
                user=chief, role="treasurer", given_by=chief, given_at=NOON, reason="me"
            )

    def test_an_inspector_is_one_of_a_district_and_nobody_else_is(self, chief):
        person = factories.UserFactory()
        with pytest.raises(parties.NoSuchRole):
            give(chief, person, "inspector")
        with pytest.raises(parties.NoSuchRole):
            give(chief, person, "inspector", over=404)
        with pytest.raises(parties.NoSuchRole):
            give(chief, person, "clerk", over=factories.ZoneFactory().pk)
        with pytest.raises(parties.NoSuchRole):
            give(chief, person, "king")

    def test_a_reason_is_owed(self, chief):
        with pytest.raises(ValueError, match="reason"):
            parties.give_role(
                user_id=factories.UserFactory().pk, role="clerk", reason=" ", by=CITY, at=NOON
            )


class TestTaking:
    def test_with_the_last_role_the_office_closes(self, chief):
        person = factories.UserFactory()
        both = [give(chief, person, "clerk"), give(chief, person, "treasurer")]

        open_after = []
        for one in both:
            parties.take_role(
                appointment_id=one.pk, reason="left", by=chief.acting(Kind.OFFICER), at=NOON
            )
            open_after.append(User.objects.get(pk=person.pk).is_staff)

        assert open_after == [True, False]
        assert not User.objects.get(pk=person.pk).groups.exists()

    def test_an_inspector_of_two_districts_keeps_the_other(self, chief):
        person = factories.UserFactory()
        north, south = factories.ZoneFactory(slug="north"), factories.ZoneFactory(slug="south")
        first = give(chief, person, "inspector", north.pk)
        give(chief, person, "inspector", south.pk)
        assert queries.granted(person, INSPECT) == {north.pk, south.pk}

        for _ in range(2):
            parties.take_role(appointment_id=first.pk, reason="moved", by=CITY, at=NOON)

        person = User.objects.get(pk=person.pk)
        assert queries.granted(person, INSPECT) == {south.pk}
        assert person.is_staff
        assert person.groups.filter(name="inspector").exists()
        assert Event.objects.filter(topic="parties.role_taken").count() == 1

    def test_what_was_taken_can_be_given_again(self, chief):
        person = factories.UserFactory()
        first = give(chief, person, "clerk")
        parties.take_role(appointment_id=first.pk, reason="x", by=CITY, at=NOON)

        assert give(chief, person, "clerk") != first


class TestDistricts:
    @pytest.fixture
    def town(self):
        """One ride in the centre and one on the coast, each with a provider of its own."""
        town = rides.town()
        self.centre = factories.ZoneFactory(city=town.city, slug="centre")
        self.coast = factories.ZoneFactory(
            city=town.city,
            slug="coast",
            boundary=_box(-71.30, -29.95, -71.27, -29.90),
        )
        self.here = town.confirm()
        other = rides.driver("Rosa Pizarro", provider=factories.ProviderFactory(name="Far away"))
        order = town.place(town.quote(pickup=rides.FARO, dropoff=rides.PLAZA))
        town.step(order, "authorise", CITY)
        town.on_shift(other)
        self.elsewhere = town.accept(town.offer(order, other))
        self.there = other.provider
        return town

    def test_an_order_remembers_where_it_began(self, town):
        assert Order.objects.get(pk=self.here.pk).district == self.centre

    def test_an_inspector_sees_what_began_in_their_district_and_who_worked_there(
        self, town, client
    ):
        client.force_login(holder("inspector", self.centre.pk))

        assert shown(client, "orders_order") == {self.here.pk}
        assert shown(client, "parties_provider") == {town.worker.provider_id}
        assert shown(client, "parties_worker") == {town.worker.pk}
        permits = town.worker.provider.permits.values_list("pk", flat=True)
        assert shown(client, "regulation_permit") == set(permits)
        assert client.get(reverse("admin:payments_payment_changelist")).status_code == 403

    def test_what_is_elsewhere_is_not_there_for_them(self, town, client):
        client.force_login(holder("inspector", self.centre.pk))

        for row in (self.elsewhere, self.there):
            name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
            for view in ("change", "history"):
                page = client.get(reverse(f"{name}_{view}", args=[row.pk]))
                assert (page.status_code, page.url) == (302, "/admin/")
        page = client.get(reverse("admin:orders_order_change", args=[self.here.pk]))
        assert page.status_code == 200
        assert b"call_off" not in client.get(reverse("admin:orders_order_changelist")).content

    def test_a_search_by_hand_does_not_reach_further(self, town, client):
        client.force_login(holder("inspector", self.centre.pk))

        page = client.get(reverse("admin:parties_provider_changelist") + "?q=Far")

        assert page.context["cl"].result_count == 0

    def test_without_the_grant_nothing_is_left(self, town, client):
        officer = holder("inspector", self.centre.pk)
        held = Appointment.objects.get(user=officer)
        parties.take_role(
            appointment_id=held.pk, reason="x", by=CITY, at=NOON + timedelta(minutes=1)
        )
        client.force_login(User.objects.get(pk=officer.pk))

        assert client.get(reverse("admin:orders_order_changelist")).status_code == 302

    def test_a_clerk_who_also_inspects_sees_all_permits_and_only_some_orders(self, town, client):
        officer = holder("inspector", self.coast.pk)
        parties.give_role(user_id=officer.pk, role="clerk", reason="both", by=CITY, at=NOON)
        client.force_login(officer)

        assert self.here.provider_id in shown(client, "parties_provider")
        assert shown(client, "orders_order") == {self.elsewhere.pk}


class TestPage:
    def test_every_officer_sees_who_may_do_what(self, client):
        client.force_login(holder("clerk", name="Javiera Bravo"))

        page = client.get(reverse("insight:who-may"))

        assert page.status_code == 200
        told = page.content.decode()
        assert "Javiera Bravo" in told
        assert "Give the role" not in told
        assert all(str(role.name) in told for role in ROLES.values())
        given = client.post(
            reverse("insight:who-may"),
            {"email": "x@example.org", "role": "clerk", "reason": "me"},
        )
        assert given.status_code == 403

    def test_an_administrator_gives_a_role_and_takes_it(self, client, chief):
        client.force_login(chief)
        person, zone = factories.UserFactory(), factories.ZoneFactory()
        told = {"email": person.email, "role": "inspector", "reason": "new district"}

        assert client.post(reverse("insight:who-may"), told).status_code == 422
        given = client.post(reverse("insight:who-may"), told | {"district": zone.pk})

        assert given.status_code == 302
        held = Appointment.objects.get(user=person)
        assert (held.role, held.over, held.given_by) == ("inspector", zone.pk, chief)
        assert zone.name in client.get(reverse("insight:who-may")).content.decode()
        taken = client.post(
            reverse("insight:who-may"), {"appointment": held.pk, "reason": "moved away"}
        )
        assert taken.status_code == 302
        held.refresh_from_db()
        assert (held.taken_by, held.taken_reason) == (chief, "moved away")

    def test_an_administrator_does_not_give_themself_one(self, client, chief):
        client.force_login(chief)

        page = client.post(
            reverse("insight:who-may"),
            {"email": chief.email, "role": "treasurer", "reason": "why not"},
        )

        assert page.status_code == 422
        assert "Nobody gives themself a role" in page.content.decode()

    def test_an_administrator_does_not_change_a_colleague_and_act_as_them(self, client, chief):
        treasurer = holder("treasurer")
        client.force_login(chief)

        page = reverse("admin:parties_user_change", args=[treasurer.pk])
        assert client.post(page, {"email": "mine@example.org"}).status_code == 403
        password = reverse("admin:auth_user_password_change", args=[treasurer.pk])
        assert client.post(password, {"password1": "x"}).status_code == 403

    def test_the_first_page_shows_each_role_what_is_theirs(self, client):
        client.force_login(holder("clerk"))
        page = client.get("/admin/").content.decode()
        assert "Papers to check" in page
        assert "Payouts held by an officer" not in page
        assert "Where does the money stand?" not in page
        assert "/admin/live-map/" not in page

        client.force_login(holder("treasurer"))
        page = client.get("/admin/").content.decode()
        assert "Papers to check" not in page
        assert "Payouts held by an officer" in page
        assert "Where does the money stand?" in page

        zone = factories.ZoneFactory()
        client.force_login(holder("inspector", zone.pk))
        page = client.get("/admin/").content.decode()
        assert "Orders" in page
        assert zone.name in page
        assert client.get("/admin/live-map/").status_code == 403
        assert client.get("/admin/platform/").status_code == 403


def shown(client, name) -> set[int]:
    page = client.get(reverse(f"admin:{name}_changelist"))
    assert page.status_code == 200, page.status_code
    return {row.pk for row in page.context["cl"].result_list}


def _box(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def test_the_demo_has_somebody_of_every_role_and_twice_is_harmless(tmp_path):
    city = factories.CityFactory()
    factories.ZoneFactory(city=city)
    told = Demo(city=city, at=NOON, people_file=tmp_path / "people.json")

    for _ in range(2):
        seed(told)

    held = Appointment.objects.held().values_list("role", flat=True)
    assert sorted(held) == sorted(ROLES)
    assert {person["role"] for person in told.known().values()} >= {
        str(role.name) for role in ROLES.values()
    }
