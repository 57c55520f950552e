"""Hosts, fields and skills become rows; units get their calendar and targets; members, capacity."""

from typing import Any

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

FIELDS = [
    "Aeronautics, Space and Transport",
    "Earth and Environment",
    "Energy",
    "Health",
    "Information",
    "Matter",
]

#: The skills of the network's consultants, and the words that ask for them.
SKILLS = {
    "Pipelines": "pipeline workflow data loading preprocessing training cluster GPU HPC SLURM "
    "distributed scaling speed faster throughput deployment reproducible container "
    "Datenverarbeitung Rechenzeit Training beschleunigen skalieren Supercomputer",
    "Inverse problems and generative modelling": "inverse problem reconstruction inversion "
    "posterior Bayesian simulation simulator surrogate emulator generative model VAE GAN "
    "diffusion flow normalizing latent synthetic tomography imaging "
    "Rekonstruktion Umkehrproblem Simulation Ersatzmodell generativ",
    "Denoising": "noise noisy denoising background signal artefact artifact filter "
    "super-resolution low dose detector spectrum baseline correction enhancement "
    "Rauschen entrauschen Untergrund Störung Signal",
    "Anomaly detection": "anomaly anomalies outlier fault failure warning monitoring novelty "
    "rare event alarm detect drift shift change distribution quality control sensor "
    "Anomalie Ausreißer Fehler Störfall Überwachung Frühwarnung",
    "Regression and pattern recognition": "regression prediction forecast classification "
    "classifier segmentation detection recognition images time series labels features "
    "clustering network CNN tracking counting pattern Vorhersage Klassifikation Bilder "
    "Zeitreihe Mustererkennung Segmentierung",
    "Trustworthy ML": "trust uncertainty calibration confidence interval error bar robust "
    "generalise generalisation comparison test significance cross-validation benchmark "
    "explain interpretable bias fair privacy leakage reviewer Unsicherheit Vertrauen "
    "Kalibrierung Fehlerbalken Vergleich erklärbar",
}


def seed(apps: Any, schema_editor: Any) -> None:
    for name in FIELDS:
        apps.get_model("people", "Field").objects.create(name=name)
    for name, words in SKILLS.items():
        apps.get_model("people", "Skill").objects.create(name=name, words=words)


def hosts_to_rows(apps: Any, schema_editor: Any) -> None:
    hosts = apps.get_model("people", "Host").objects
    for unit in apps.get_model("people", "Unit").objects.all():
        unit.host_row = hosts.get_or_create(name=unit.host)[0]
        unit.save(update_fields=["host_row"])


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0004_log_in"),
    ]

    operations = [
        migrations.CreateModel(
            name="Field",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("retired_at", models.DateTimeField(editable=False, null=True)),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="Name")),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Host",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("retired_at", models.DateTimeField(editable=False, null=True)),
                ("name", models.CharField(max_length=40, unique=True, verbose_name="Short name")),
                (
                    "full_name",
                    models.CharField(blank=True, max_length=120, verbose_name="Full name"),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Skill",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("retired_at", models.DateTimeField(editable=False, null=True)),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="Name")),
                (
                    "words",
                    models.TextField(
                        blank=True,
                        help_text="Words in English and German that a scientist would use who needs this; they match vouchers with consultants.",
                        max_length=1000,
                        verbose_name="Words",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="unit",
            name="decide_days",
            field=models.PositiveSmallIntegerField(
                default=5,
                help_text="Working days until a voucher is offered, returned or declined.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="Decision",
            ),
        ),
        migrations.AddField(
            model_name="unit",
            name="home_conflict",
            field=models.BooleanField(
                default=False,
                help_text="If so, nobody of a scientist's own centre is proposed as consultant.",
                verbose_name="The same home centre is a conflict of interest",
            ),
        ),
        migrations.AddField(
            model_name="unit",
            name="offer_days",
            field=models.PositiveSmallIntegerField(
                default=5,
                help_text="Working days that a consultant has to answer an offer.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="Offers hold",
            ),
        ),
        migrations.AddField(
            model_name="unit",
            name="respond_days",
            field=models.PositiveSmallIntegerField(
                default=2,
                help_text="Working days until a scientist hears from a person.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(60),
                ],
                verbose_name="First response",
            ),
        ),
        migrations.AddField(
            model_name="unit",
            name="retired_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="unit",
            name="state",
            field=models.CharField(
                blank=True,
                choices=[
                    ("BW", "Baden-Württemberg"),
                    ("BY", "Bayern"),
                    ("BE", "Berlin"),
                    ("BB", "Brandenburg"),
                    ("HB", "Bremen"),
                    ("HH", "Hamburg"),
                    ("HE", "Hessen"),
                    ("MV", "Mecklenburg-Vorpommern"),
                    ("NI", "Niedersachsen"),
                    ("NW", "Nordrhein-Westfalen"),
                    ("RP", "Rheinland-Pfalz"),
                    ("SL", "Saarland"),
                    ("SN", "Sachsen"),
                    ("ST", "Sachsen-Anhalt"),
                    ("SH", "Schleswig-Holstein"),
                    ("TH", "Thüringen"),
                ],
                help_text="For public holidays; without one, only those of all Germany count.",
                max_length=2,
                verbose_name="Federal state",
            ),
        ),
        migrations.AlterField(
            model_name="unit",
            name="city",
            field=models.CharField(max_length=80, verbose_name="City"),
        ),
        migrations.AlterField(
            model_name="unit",
            name="focus",
            field=models.CharField(max_length=300, verbose_name="Focus"),
        ),
        migrations.AlterField(
            model_name="unit",
            name="is_hub",
            field=models.BooleanField(default=False, verbose_name="It is the hub"),
        ),
        migrations.AlterField(
            model_name="unit",
            name="name",
            field=models.CharField(max_length=80, unique=True, verbose_name="Name"),
        ),
        migrations.AlterField(
            model_name="unit",
            name="slug",
            field=models.SlugField(
                help_text="For addresses: small letters and hyphens.",
                unique=True,
                verbose_name="Short name",
            ),
        ),
        migrations.AddField(
            model_name="unit",
            name="fields",
            field=models.ManyToManyField(
                blank=True,
                related_name="units",
                to="people.field",
                verbose_name="Fields of research",
            ),
        ),
        migrations.AddField(
            model_name="unit",
            name="host_row",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="units",
                to="people.host",
            ),
        ),
        migrations.RunPython(hosts_to_rows, migrations.RunPython.noop),
        migrations.RunPython(seed, migrations.RunPython.noop),
        migrations.RemoveField(model_name="unit", name="host"),
        migrations.RenameField(model_name="unit", old_name="host_row", new_name="host"),
        migrations.AlterField(
            model_name="unit",
            name="host",
            field=models.ForeignKey(
                help_text="The centre that the team sits at.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="units",
                to="people.host",
                verbose_name="Host",
            ),
        ),
        migrations.CreateModel(
            name="Absence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_day", models.DateField(verbose_name="First day")),
                ("last_day", models.DateField(verbose_name="Last day")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="Reason")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="absences",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["first_day", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_day__gte", models.F("first_day"))),
                        name="absence_ends_after_its_begin",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ConflictOfInterest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("declared_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conflicts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "scientist",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "conflicts of interest",
                "ordering": ["scientist__name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "scientist"), name="one_conflict_per_pair"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("person", models.F("scientist")), _negated=True),
                        name="no_conflict_with_oneself",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Profile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "weekly_hours",
                    models.DecimalField(
                        decimal_places=1,
                        default=0,
                        max_digits=3,
                        verbose_name="Hours for vouchers in a week",
                    ),
                ),
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="profile",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "skills",
                    models.ManyToManyField(
                        blank=True,
                        related_name="profiles",
                        to="people.skill",
                        verbose_name="Skills",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("weekly_hours__gte", 0), ("weekly_hours__lte", 39)),
                        name="weekly_hours_fit_a_week",
                    )
                ],
            },
        ),
    ]
