import uuid
from datetime import UTC, datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.kernel.locks import LockableQuerySet
from apps.parties.models import User
from apps.regulation.models import PolicyVersion
from apps.regulation.rules import KINDS, Rule, Scope


class DryRun(models.Model):
    """A draft of a policy tried on orders of the past: what it would have changed.

    `scope` and `terms` are what the draft said when it was tried, for a draft can still change.
    `turns` counts the workers that have begun it; only the last of them may write.
    """

    class State(models.TextChoices):
        QUEUED = "QUEUED", _("waits for a worker")
        RUNNING = "RUNNING", _("under way")
        DONE = "DONE", _("done")
        FAILED = "FAILED", _("failed")
        CANCELLED = "CANCELLED", _("called off")

    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(
        PolicyVersion, models.PROTECT, verbose_name=_("version"), related_name="dry_runs"
    )
    scope = models.JSONField(_("where, when and whom it concerns"), default=dict)
    terms = models.JSONField(_("terms"), default=dict)
    since = models.DateTimeField(_("orders from"))
    until = models.DateTimeField(_("orders up to"))
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.QUEUED)
    turns = models.PositiveSmallIntegerField(_("times begun"), default=0)
    done = models.PositiveIntegerField(_("rows done"), default=0)
    total = models.PositiveIntegerField(_("rows in all"), default=0)
    result = models.JSONField(_("result"), null=True)
    digest = models.CharField(_("digest of what went in"), max_length=64, blank=True)
    error = models.TextField(_("what went wrong"), blank=True)
    started_by = models.ForeignKey(
        User, models.PROTECT, verbose_name=_("started by"), related_name="+"
    )
    asked_at = models.DateTimeField(_("asked"))
    heard_at = models.DateTimeField(_("last heard of"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = LockableQuerySet["DryRun"].as_manager()

    class Meta:
        verbose_name = _("dry run")
        verbose_name_plural = _("dry runs")
        indexes = [models.Index(name="insight_dry_run_of_version", fields=["version", "-asked_at"])]
        constraints = [
            models.UniqueConstraint(
                name="insight_one_dry_run_under_way",
                fields=["version"],
                condition=Q(state__in=["QUEUED", "RUNNING"]),
            ),
            models.CheckConstraint(
                name="insight_dry_run_done_has_a_result",
                condition=~Q(state="DONE") | Q(result__isnull=False) & ~Q(digest=""),
            ),
            models.CheckConstraint(
                name="insight_dry_run_has_a_time", condition=Q(since__lt=F("until"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}, {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    @property
    def rule(self) -> Rule:
        """What is tried, as the rules are asked; it holds from always, even if it is approved."""
        version = self.version
        return Rule(
            pk=version.pk,
            number=version.policy.number,
            version=version.version,
            title=version.title,
            scope=Scope.thawed(self.scope),
            terms=KINDS[version.kind].thawed(self.terms),
            begins=datetime.min.replace(tzinfo=UTC),
        )
