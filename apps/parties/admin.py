from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.audit.office import Personal
from apps.kernel import clock
from apps.kernel.actors import Actor, Kind
from apps.kernel.office import Facts, FactsInline, ReadOnly
from apps.parties import operations
from apps.parties.models import (
    ApiToken,
    Appointment,
    Consumer,
    Joining,
    Membership,
    Provider,
    User,
    Worker,
)
from apps.parties.office import BesideDistricts, OfDistricts

# What makes somebody powerful is given on the page "Who may do what", and nowhere else.
POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


class MembershipInline(FactsInline):
    model = Membership
    fields = ("provider", "user", "role")
    tab = True


class WorkerInline(BesideDistricts, FactsInline):
    model = Worker
    fields = ("user", "seats", "abilities", "is_active")
    tab = True


@admin.register(User)
class UserAdmin(Personal, BaseUserAdmin, ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """People.  What they may do for a provider follows from their membership, not from here."""

    people = ("pk",)
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "language", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name", "phone")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Person"), {"fields": ("name", "phone", "language")}),
        (_("Powers"), {"fields": ("is_active", *POWERS)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Only a superuser changes another officer, or their password, and so acts as them."""
        if obj is None or obj.pk == request.user.pk or request.user.is_superuser:
            return bool(super().has_change_permission(request, obj))
        if obj.is_staff or obj.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A person is made inactive: what they did stays theirs."""
        return False


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ReadOnly, BaseGroupAdmin, ModelAdmin):
    """The permissions of each role, as `roles.py` says.  They are changed there."""


@admin.register(Appointment)
class AppointmentAdmin(Facts):
    """Who held which role, and when.  Given and taken on the page "Who may do what"."""

    list_display = ("user", "role", "over", "given_by", "given_at", "taken_by", "taken_at")
    list_filter = ("role", ("taken_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "given_by", "taken_by")
    search_fields = ("user__name", "user__email")
    ordering = ("-pk",)


@admin.register(Provider)
class ProviderAdmin(OfDistricts, Facts):
    """Providers, with a tab for their team.  Apps above add tabs of their own."""

    list_display = ("name", "tax_id", "kyc", "created_at")
    list_filter = ("kyc", "created_at")
    search_fields = ("name", "tax_id", "=ref")
    ordering = ("name", "pk")
    fields = (("name", "tax_id"), ("kyc", "created_at"), "ref")
    inlines: tuple[type[FactsInline], ...] = (MembershipInline, WorkerInline)


@admin.register(Worker)
class WorkerAdmin(OfDistricts, Personal, Facts):
    """Who does the jobs, and what with."""

    people = ("user_id",)
    list_display = ("user", "provider", "seats", "abilities", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("user", "provider")
    search_fields = ("user__name", "user__email", "provider__name")
    ordering = ("provider", "pk")


@admin.register(Joining)
class JoiningAdmin(Personal, Facts):
    """Who asked to work for whom, and what came of it."""

    people = ("user_id",)
    list_display = ("user", "provider", "business", "state", "saved_at", "decided_at")
    list_filter = ("state", "vertical")
    list_select_related = ("user", "provider")
    search_fields = ("user__name", "user__email", "provider__name", "business")
    ordering = ("-pk",)


@admin.register(Consumer)
class ConsumerAdmin(Personal, Facts):
    people = ("user_id",)
    list_display = ("user", "needs")
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email")
    ordering = ("-pk",)


@admin.register(ApiToken)
class ApiTokenAdmin(Facts):
    """Keys for programs.  A key that got about is made worthless from here, too."""

    list_display = (
        "prefix",
        "name",
        "user",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__email")
    ordering = ("-pk",)
    exclude = ("digest",)
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("parties.change_apitoken")

    @admin.action(description=_("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        officer = Actor(Kind.OFFICER, str(request.user.pk))
        for token in tokens:
            operations.revoke_token(
                token_id=token.pk, user_id=token.user_id, by=officer, at=clock.now()
            )
        said = ngettext("%d key is worthless now.", "%d keys are worthless now.", len(tokens))
        self.message_user(request, said % len(tokens), messages.SUCCESS)
