"""What the office keeps for vouchers: kinds, tags, and the versions of questions and agreement."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.models import Row


class Kind(Row):
    """A kind of voucher, with the limits on its planned length."""

    slug = models.SlugField(
        _("Short name"), unique=True, help_text=_("For addresses: small letters and hyphens.")
    )
    name = models.CharField(_("Name"), max_length=60, unique=True)
    purpose = models.CharField(_("Purpose"), max_length=300)
    min_days = models.PositiveSmallIntegerField(_("Shortest length in days"))
    max_days = models.PositiveSmallIntegerField(
        _("Longest length in days"), validators=[MaxValueValidator(366)]
    )
    position = models.PositiveSmallIntegerField(_("Place in lists"), default=0)
    hours = models.PositiveSmallIntegerField(
        _("Usual hours in four weeks"),
        default=16,
        validators=[MinValueValidator(1), MaxValueValidator(160)],
        help_text=_("So many free hours make somebody fully available for it."),
    )
    follow_up = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("Can be followed by"),
        help_text=_("The kind that continues what a voucher of this kind has found out."),
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                condition=Q(min_days__gte=1, max_days__gte=models.F("min_days")),
                name="kind_limits_make_sense",
                violation_error_message=_(
                    "The shortest length is at least 1 day and at most the longest."
                ),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Tag(Row):
    """A word that the team marks vouchers with, to find them again."""

    name = models.CharField(_("Name"), max_length=40, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Questionnaire(models.Model):
    """A version of the voucher document's questions; a voucher keeps the version it answers.

    `questions` is a list of {"key", "prompt", "help"}.
    """

    version = models.PositiveSmallIntegerField(unique=True)
    questions = models.JSONField()

    class Meta:
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"version {self.version}"


class AgreementText(models.Model):
    """A version of what scientist and consultant agree to before the work begins."""

    version = models.PositiveSmallIntegerField(unique=True)
    text = models.TextField(max_length=5000)

    class Meta:
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"version {self.version}"
