"""Who is who: units, people, their membership, what members bring, and access tokens."""

import hashlib
import uuid
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class Row(models.Model):
    """What the office edits and never deletes: a retired row is offered to nobody any more, and
    whatever refers to it stays true.
    """

    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_retired(self) -> bool:
        return self.retired_at is not None


class Host(Row):
    """A centre that units sit at, and that people come from."""

    name = models.CharField(_("Short name"), max_length=40, unique=True)
    full_name = models.CharField(_("Full name"), max_length=120, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Field(Row):
    """A field of research."""

    name = models.CharField(_("Name"), max_length=80, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Skill(Row):
    """Something that members can do, with the words by which documents ask for it."""

    name = models.CharField(_("Name"), max_length=80, unique=True)
    words = models.TextField(
        _("Words"),
        max_length=1000,
        blank=True,
        help_text=_(
            "Words in English and German that a scientist would use who needs this; they match "
            "vouchers with consultants."
        ),
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FederalState(models.TextChoices):
    """Where a team sits in Germany, which decides its public holidays."""

    BW = "BW", "Baden-Württemberg"
    BY = "BY", "Bayern"
    BE = "BE", "Berlin"
    BB = "BB", "Brandenburg"
    HB = "HB", "Bremen"
    HH = "HH", "Hamburg"
    HE = "HE", "Hessen"
    MV = "MV", "Mecklenburg-Vorpommern"
    NI = "NI", "Niedersachsen"
    NW = "NW", "Nordrhein-Westfalen"
    RP = "RP", "Rheinland-Pfalz"
    SL = "SL", "Saarland"
    SN = "SN", "Sachsen"
    ST = "ST", "Sachsen-Anhalt"
    SH = "SH", "Schleswig-Holstein"
    TH = "TH", "Thüringen"


def _working_days(label: Any, help_text: Any, default: int) -> Any:
    """A setting of a unit, in working days."""
    return models.PositiveSmallIntegerField(
        label,
        default=default,
        help_text=help_text,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )


class Unit(Row):
    """The network's hub or one of its spokes: a centre's local team."""

    slug = models.SlugField(
        _("Short name"), unique=True, help_text=_("For addresses: small letters and hyphens.")
    )
    name = models.CharField(_("Name"), max_length=80, unique=True)
    host = models.ForeignKey(
        Host,
        models.PROTECT,
        related_name="units",
        verbose_name=_("Host"),
        help_text=_("The centre that the team sits at."),
    )
    city = models.CharField(_("City"), max_length=80)
    state = models.CharField(
        _("Federal state"),
        max_length=2,
        choices=FederalState,
        blank=True,
        help_text=_("For public holidays; without one, only those of all Germany count."),
    )
    focus = models.CharField(_("Focus"), max_length=300)
    fields = models.ManyToManyField(
        Field, related_name="units", blank=True, verbose_name=_("Fields of research")
    )
    is_hub = models.BooleanField(_("It is the hub"), default=False)
    respond_days = _working_days(
        _("First response"), _("Working days until a scientist hears from a person."), 2
    )
    decide_days = _working_days(
        _("Decision"), _("Working days until a voucher is offered, returned or declined."), 5
    )
    offer_days = _working_days(
        _("Offers hold"), _("Working days that a consultant has to answer an offer."), 5
    )
    home_conflict = models.BooleanField(
        _("The same home centre is a conflict of interest"),
        default=False,
        help_text=_("If so, nobody of a scientist's own centre is proposed as consultant."),
    )

    class Meta:
        ordering = ["-is_hub", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_hub"], condition=models.Q(is_hub=True), name="one_hub"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Person(AbstractBaseUser):
    """Somebody who signed in: known by issuer and subject, never by e-mail.

    The pair is what an OpenID provider guarantees; an e-mail address can change hands.
    """

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    name = models.CharField(max_length=200)
    email = models.EmailField(max_length=254)
    home = models.CharField(max_length=80, blank=True, help_text="The home centre.")
    language = models.CharField(
        max_length=10, blank=True, help_text="The language that was chosen; empty if none was."
    )
    is_active = models.BooleanField(default=True)
    consented_to = models.CharField(
        max_length=20, blank=True, help_text="The version of the privacy page agreed to."
    )
    consented_at = models.DateTimeField(null=True)

    objects = BaseUserManager["Person"]()

    USERNAME_FIELD = "uid"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_per_subject")
        ]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def roles(self) -> frozenset[tuple[int, str]]:
        """Pairs (unit id, role); read once per request, for the rules."""
        return frozenset(self.memberships.values_list("unit_id", "role"))

    def has_role(self, *roles: str, unit_id: int | None = None) -> bool:
        """Whether the person has one of the roles, anywhere or in one unit."""
        return any(
            role in roles and unit_id in (None, member_unit) for member_unit, role in self.roles
        )

    @property
    def unit_ids(self) -> set[int]:
        """The units that the person is a member of."""
        return {unit_id for unit_id, _role in self.roles}

    @property
    def is_lead_or_office(self) -> bool:
        """Whether the person steers a unit or the network."""
        return self.has_role(Role.LEAD, Role.OFFICE)

    @property
    def is_member(self) -> bool:
        """Whether the person belongs to the network, rather than asks it."""
        return bool(self.roles)


class Role(models.TextChoices):
    """What a member does in a unit."""

    CONSULTANT = "consultant", _("Consultant")
    LEAD = "lead", _("Lead")
    OFFICE = "office", _("Office")


class Source(models.TextChoices):
    """Where a membership comes from."""

    HAND = "hand", _("made by hand")
    LOG_IN = "log_in", _("from a group, at log-in")


class Member(models.Model):
    """A person's place in a unit.

    Places that come from the log-in's groups are renewed at each log-in; those made by hand stay.
    """

    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="members")
    role = models.CharField(max_length=20, choices=Role)
    source = models.CharField(max_length=10, choices=Source, default=Source.HAND)

    class Meta:
        ordering = ["unit", "role", "person__name"]
        constraints = [
            models.UniqueConstraint(fields=["person", "unit", "role"], name="one_place_per_role"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="role_is_known"),
            models.CheckConstraint(
                condition=models.Q(source__in=Source.values), name="source_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}, {self.get_role_display()} in {self.unit}"


#: Working hours of a full-time week, to which shares refer.
FULL_TIME_HOURS = 39


class Profile(models.Model):
    """What a member brings. It is the person's, for a change of role must not lose it."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="profile")
    weekly_hours = models.DecimalField(
        _("Hours for vouchers in a week"), max_digits=3, decimal_places=1, default=Decimal(0)
    )
    skills = models.ManyToManyField(
        Skill, related_name="profiles", blank=True, verbose_name=_("Skills")
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weekly_hours__gte=0, weekly_hours__lte=FULL_TIME_HOURS),
                name="weekly_hours_fit_a_week",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.weekly_hours} h a week"


class Absence(models.Model):
    """Days on which a member works on no voucher, both ends included."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="absences")
    first_day = models.DateField(_("First day"))
    last_day = models.DateField(_("Last day"))
    reason = models.CharField(_("Reason"), max_length=200, blank=True)

    class Meta:
        ordering = ["first_day", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")),
                name="absence_ends_after_its_begin",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.first_day} to {self.last_day}"


class ConflictOfInterest(models.Model):
    """A member should not be the consultant of this scientist. Who is named here is not told."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="conflicts")
    scientist = models.ForeignKey(Person, models.CASCADE, related_name="+")
    declared_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["scientist__name"]
        verbose_name_plural = "conflicts of interest"
        constraints = [
            models.UniqueConstraint(fields=["person", "scientist"], name="one_conflict_per_pair"),
            models.CheckConstraint(
                condition=~models.Q(person=models.F("scientist")), name="no_conflict_with_oneself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} and {self.scientist}"


#: The length of a group's path, and of a role's name within it.
MAX_GROUP, MAX_GROUP_ROLE = 250, 100


class GroupRole(models.Model):
    """Whoever is in a group of the log-in's provider gets a role in a unit."""

    group = models.CharField(max_length=MAX_GROUP, help_text="Its path, with colons.")
    group_role = models.CharField(
        max_length=MAX_GROUP_ROLE, blank=True, help_text="The role within the group; any, if empty."
    )
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="groups")
    role = models.CharField(max_length=20, choices=Role)

    class Meta:
        ordering = ["unit", "role", "group", "group_role"]
        constraints = [
            models.UniqueConstraint(
                fields=["group", "group_role", "unit", "role"], name="one_row_per_grant"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="granted_role_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.written} gives {self.get_role_display()} in {self.unit}"

    @property
    def written(self) -> str:
        """Group and role as they are written in an entitlement."""
        return f"{self.group}:role={self.group_role}" if self.group_role else self.group


class Session(AbstractBaseSession):
    """A browser's session; the person's own ones are listed on the page “Your sessions”.

    `sessions.py` keeps the columns in step with what the session holds.
    """

    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="sessions")
    device = models.CharField(max_length=60, blank=True)
    signed_in_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-last_used_at"]

    def __str__(self) -> str:
        return f"{self.device or 'a browser'} of {self.person or 'somebody'}"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        from evidesk.desk.people.sessions import SessionStore  # which imports this module

        return SessionStore

    @property
    def public_id(self) -> str:
        """What names the session on a page; its key would let the reader in."""
        return salted_hmac("evidesk.session", self.session_key).hexdigest()[:20]


class Scope(models.TextChoices):
    """What a token may be used for; each includes the ones before it."""

    READ = "read", _("Read what you may see")
    EVIDENCE = "evidence", _("Read, and push evidence")
    WRITE = "write", _("Everything that you may do")


class Token(models.Model):
    """A personal access token. Only its digest is kept; the text is shown once."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.EVIDENCE)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope__in=Scope.values), name="token_scope_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.person}"

    @staticmethod
    def digest_of(text: str) -> str:
        """SHA-256 of the token's text; the text is random enough to need no salt."""
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class Persona(models.Model):
    """A person of the demo whom a visitor can be signed in as, with a line that introduces them."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="persona")
    line = models.CharField(max_length=200)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.person}: {self.line}"


class RateWindow(models.Model):
    """How often somebody has tried something since the window was opened."""

    key = models.CharField(max_length=64, unique=True, help_text="Keyed digest of what and who.")
    begun_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.count} since {self.begun_at}"
