from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.audit.transactions import TransactionField
from apps.kernel.actors import Actor, Kind


class Record(models.Model):
    """One thing that somebody did.  Written once: the database refuses to change it.

    It copies the event rather than pointing at it, because the outbox is swept and
    the record stays.
    """

    event = models.BigIntegerField(_("event"), unique=True)
    topic = models.CharField(_("topic"), max_length=100)
    body = models.JSONField(_("body"))
    by = models.CharField(_("by"), max_length=100)
    happened_at = models.DateTimeField(_("happened"))
    source = models.TextField(_("source"))
    tx = TransactionField(_("transaction"))

    class Meta:
        verbose_name = _("record")
        verbose_name_plural = _("records")
        indexes = [
            models.Index(name="audit_record_topic", fields=["topic", "-id"]),
            models.Index(name="audit_record_by", fields=["by", "-id"]),
            models.Index(name="audit_record_tx", fields=["tx", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.topic} by {self.by}"

    @property
    def actor_id(self) -> int | None:
        """The account of the person who did it; None if it was the platform."""
        actor = Actor.parse(self.by)
        return int(actor.id) if actor.kind is not Kind.SYSTEM and actor.id.isdecimal() else None


class Look(models.Model):
    """Somebody of the city looked at what it knows of a person: whose, what, why and when.

    The person sees it.  Written once: the database refuses to change it.
    """

    # By the number of the account: this app stands below people.
    person = models.BigIntegerField(_("whose data"))
    by = models.CharField(_("by"), max_length=100)
    what = models.CharField(_("what was looked at"), max_length=100)
    row = models.CharField(_("which one"), max_length=100)
    why = models.CharField(_("why"), max_length=200, blank=True)
    looked_at = models.DateTimeField(_("looked"))
    source = models.TextField(_("source"))
    # The inspection of this person in which it was seen, by its reference.
    inspection = models.UUIDField(_("inspection"), null=True, blank=True)
    tx = TransactionField(_("transaction"))

    class Meta:
        verbose_name = _("look at personal data")
        verbose_name_plural = _("looks at personal data")
        indexes = [
            models.Index(name="audit_look_person", fields=["person", "-id"]),
            models.Index(name="audit_look_tx", fields=["tx", "id"]),
            models.Index(
                name="audit_look_inspection",
                fields=["inspection", "id"],
                condition=models.Q(inspection__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} looked at {self.what} {self.row}"


class Seal(models.Model):
    """A signature over a stretch of an append-only log.

    Each seal names the rows it covers by their Merkle root and the seal before it by its hash:
    whoever changes, drops or slips in a row breaks every seal from there on.  It covers whatever
    the transactions below `upto` wrote that no seal before it covers: numbers of rows may become
    visible late and out of order, numbers of finished transactions do not.  The leaves of the tree
    and the numbers of the rows are kept, so that a check can name a row that was bent or is gone.
    """

    stream = models.CharField(_("stream"), max_length=100)
    number = models.PositiveBigIntegerField(_("number"))
    upto = models.BigIntegerField(_("transactions up to"))
    first_id = models.BigIntegerField(_("lowest row"))
    last_id = models.BigIntegerField(_("highest row"))
    rows = models.PositiveBigIntegerField(_("rows"))
    # The place in the log of the first row it covers.  Null in the first seals of all.
    position = models.PositiveBigIntegerField(_("begins at row"), null=True)
    leaves = models.BinaryField(_("leaves of the Merkle tree"))
    ids = models.BinaryField(_("numbers of its rows"), default=b"")
    merkle_root = models.CharField(_("Merkle root"), max_length=64)
    previous = models.CharField(_("hash of the seal before"), max_length=64, blank=True)
    digest = models.CharField(_("hash of this seal"), max_length=64)
    signature = models.CharField(_("Ed25519 signature"), max_length=128)
    key = models.CharField(_("public key"), max_length=64)
    sealed_at = models.DateTimeField(_("sealed"))

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        constraints = [
            models.UniqueConstraint(name="audit_seal_number", fields=["stream", "number"]),
            models.UniqueConstraint(name="audit_seal_upto", fields=["stream", "upto"]),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.number}"
