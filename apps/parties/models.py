import uuid
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.kernel.actors import Actor, Kind
from apps.kernel.locks import LockableQuerySet
from apps.parties import roles


class PeopleManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **rest: Any) -> "User":
        if not email:
            raise ValueError("a person is known by an e-mail address")
        user = self.model(email=self.normalize_email(email), **rest)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **rest: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **rest)


class User(AbstractUser):
    """A person with an account, known by an e-mail address."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    language = models.CharField(
        _("language"), max_length=10, default="en", choices=[("en", "English"), ("es", "Español")]
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[PeopleManager] = PeopleManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="parties_one_account_per_email"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def initials(self) -> str:
        words = (self.name or self.email).split()
        return "".join(word[0] for word in words[:2]).upper()

    @property
    def short_name(self) -> str:
        """What a stranger on a ride may read: the first name only."""
        return self.name.split()[0] if self.name else str(_("Somebody"))

    def acting(self, kind: Kind) -> Actor:
        return Actor(kind, str(self.pk))


class Consumer(models.Model):
    """What the city knows of a person who asks: what they need, not what they bought."""

    class Need(models.TextChoices):
        STEP_FREE = "STEP_FREE", _("step-free access")
        TO_THE_DOOR = "TO_THE_DOOR", _("help to the door")
        GUIDE_DOG = "GUIDE_DOG", _("travels with a guide dog")
        HEARING = "HEARING", _("hears badly: messages rather than calls")
        QUIET = "QUIET", _("prefers a quiet ride")

    user = models.OneToOneField(User, models.CASCADE, related_name="consumer")
    needs = ArrayField(
        models.CharField(max_length=20, choices=Need),
        verbose_name=_("needs"),
        default=list,
        blank=True,
    )

    class Meta:
        verbose_name = _("consumer")
        verbose_name_plural = _("consumers")

    def __str__(self) -> str:
        return str(self.user)


class Provider(models.Model):
    """A person or company that offers a service in the city."""

    class Kyc(models.TextChoices):
        NEEDED = "NEEDED", _("papers needed")
        CHECKING = "CHECKING", _("being checked")
        VERIFIED = "VERIFIED", _("verified")
        REFUSED = "REFUSED", _("refused")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=200)
    tax_id = models.CharField(_("tax number"), max_length=30, blank=True)
    kyc = models.CharField(_("identity check"), max_length=10, choices=Kyc, default=Kyc.NEEDED)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    objects = LockableQuerySet["Provider"].as_manager()

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        permissions = [
            ("operate_provider", _("Can act for this provider")),
            ("see_provider_money", _("Can see this provider's money")),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's place in a provider's team.  The guardian grants follow from the role."""

    class Role(models.TextChoices):
        OWNER = "OWNER", _("owner")
        MANAGER = "MANAGER", _("manager")
        ACCOUNTANT = "ACCOUNTANT", _("accountant")
        WORKER = "WORKER", _("worker")

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(name="parties_one_role_each", fields=["provider", "user"])
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()} of {self.provider}"


class WorkerQuerySet(LockableQuerySet["Worker"]):
    def active(self) -> Self:
        return self.filter(is_active=True)


class Worker(models.Model):
    """A provider's person who does jobs: a driver, a courier, a nurse on her round.

    `abilities` are what a job may need of whoever takes it, such as `accessible` or `large`.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="workers")
    user = models.OneToOneField(User, models.PROTECT, related_name="worker")
    seats = models.PositiveSmallIntegerField(_("seats, or parcels at a time"), default=4)
    abilities = ArrayField(
        models.SlugField(max_length=30), verbose_name=_("abilities"), default=list, blank=True
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.user} for {self.provider}"

    @property
    def actor(self) -> Actor:
        return Actor(Kind.WORKER, str(self.user_id))


class Joining(models.Model):
    """A person's wish to work: for a provider, which must agree, or as a provider of their own.

    `details` are what the kind of service asks beyond it, in its own words, such as the car.
    """

    class State(models.TextChoices):
        DRAFT = "DRAFT", _("not sent yet")
        ASKED = "ASKED", _("waits for the fleet")
        AGREED = "AGREED", _("agreed")
        REFUSED = "REFUSED", _("refused")

    user = models.ForeignKey(User, models.CASCADE, related_name="joinings")
    vertical = models.SlugField(_("kind of service"))
    provider = models.ForeignKey(
        Provider, models.CASCADE, null=True, blank=True, related_name="joinings"
    )
    business = models.CharField(_("name of their own business"), max_length=200, blank=True)
    seats = models.PositiveSmallIntegerField(_("seats"), default=4)
    abilities = ArrayField(
        models.SlugField(max_length=30), verbose_name=_("abilities"), default=list, blank=True
    )
    details = models.JSONField(_("details"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    reason = models.TextField(_("why not"), blank=True)
    saved_at = models.DateTimeField(_("saved"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = LockableQuerySet["Joining"].as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        constraints = [
            models.UniqueConstraint(
                name="parties_one_open_joining",
                fields=["user", "vertical"],
                condition=models.Q(state__in=["DRAFT", "ASKED"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.provider or self.business}"


class ApiToken(models.Model):
    """A key that lets a program act for a person.  Only its digest is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("begins with"), max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def held(self) -> Self:
        """Those that nobody has taken back."""
        return self.filter(taken_at=None)


class Appointment(models.Model):
    """A person's role in the city's office: since when, by whom, why, and until when.

    A role over districts is given for one at a time, whose number stands in `over`.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="appointments")
    role = models.CharField(_("role"), max_length=20, choices=roles.choices)
    over = models.BigIntegerField(_("only for the district of this number"), null=True, blank=True)
    # Nobody: the platform itself, at a console.
    given_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("given by"),
        related_name="+",
    )
    given_at = models.DateTimeField(_("given"))
    reason = models.CharField(_("why"), max_length=500)
    taken_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name=_("taken by"),
        related_name="+",
    )
    taken_at = models.DateTimeField(_("taken"), null=True, blank=True)
    taken_reason = models.CharField(_("why it was taken"), max_length=500, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        permissions = [("give_role", _("Can give roles and take them"))]
        constraints = [
            models.UniqueConstraint(
                name="parties_one_role_of_a_kind",
                fields=["user", "role", "over"],
                condition=models.Q(taken_at=None),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="parties_nobody_appoints_themself",
                condition=models.Q(given_by=None) | ~models.Q(given_by=models.F("user")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"
