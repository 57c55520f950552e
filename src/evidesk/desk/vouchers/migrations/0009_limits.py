"""Agreement by both sides, bookings, follow-ups, and who may see a voucher."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

AGREEMENT = (
    "The network's work is free of charge.\n\n"
    "Whoever uses its results in a publication names the network and the consultant in the "
    "acknowledgements. If co-authorship is chosen, the consultant is offered it, and earns it by "
    "a scientific contribution as the rules of good scientific practice demand.\n\n"
    "The consultant keeps to the agreed time, keeps confidential what is confidential, and leaves "
    "the results and the code with the scientist."
)
NOTHING_RECORDED = (
    "This work began before the desk recorded agreements. Nothing was agreed to here; ask the "
    "people of the voucher."
)


def add(apps: Any, schema_editor: Any) -> None:
    kinds = apps.get_model("vouchers", "Kind").objects
    implementation = kinds.filter(slug="implementation").first()
    kinds.filter(slug="exploration").update(follow_up=implementation)
    texts = apps.get_model("vouchers", "AgreementText").objects
    texts.create(version=1, text=AGREEMENT)
    begun = apps.get_model("vouchers", "Voucher").objects.filter(submitted_at__isnull=False)
    if begun.exists():
        nothing = texts.create(version=0, text=NOTHING_RECORDED)
        begun.update(agreement=nothing, author_agreed_at=models.F("submitted_at"))
        begun.filter(consultant__isnull=False).update(consultant_agreed_at=models.F("submitted_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0005_network"),
        ("vouchers", "0008_rows"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AgreementText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveSmallIntegerField(unique=True)),
                ("text", models.TextField(max_length=5000)),
            ],
            options={
                "ordering": ["-version"],
            },
        ),
        migrations.CreateModel(
            name="Booking",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("week", models.DateField(help_text="Its Monday.")),
                ("hours", models.DecimalField(decimal_places=1, max_digits=3)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        help_text="Why it is more than the consultant has.",
                        max_length=300,
                    ),
                ),
            ],
            options={
                "ordering": ["week", "pk"],
            },
        ),
        migrations.AddField(
            model_name="kind",
            name="follow_up",
            field=models.ForeignKey(
                blank=True,
                help_text="The kind that continues what a voucher of this kind has found out.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.kind",
                verbose_name="Can be followed by",
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="author_agreed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="voucher",
            name="consultant_agreed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="voucher",
            name="credit",
            field=models.CharField(
                choices=[
                    ("acknowledgement", "Acknowledgement"),
                    ("co-authorship", "Co-authorship"),
                ],
                default="acknowledgement",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="follows",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="followers",
                to="vouchers.voucher",
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="summary",
            field=models.TextField(blank=True, help_text="For everybody, if it is public."),
        ),
        migrations.AddField(
            model_name="voucher",
            name="visibility",
            field=models.CharField(
                choices=[
                    ("private", "Private: only its people, its team and the office"),
                    ("network", "Network: every member of the network may read it"),
                    (
                        "public-summary",
                        "Public summary: as before, and everybody may read its title and summary",
                    ),
                ],
                default="private",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="agreement",
            field=models.ForeignKey(
                help_text="The version that both agreed to.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="vouchers.agreementtext",
            ),
        ),
        migrations.RunPython(add, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("agreement__isnull", True), ("author_agreed_at__isnull", True)),
                    models.Q(("agreement__isnull", False), ("author_agreed_at__isnull", False)),
                    _connector="OR",
                ),
                name="agreed_to_a_text",
            ),
        ),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("agreement__isnull", False),
                        ("consultant_agreed_at__isnull", False),
                        ("state__in", ("active", "reported", "closed")),
                    ),
                    models.Q(("state__in", ("active", "reported", "closed")), _negated=True),
                    _connector="OR",
                ),
                name="work_is_agreed_by_both",
            ),
        ),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("visibility", "public-summary"), _negated=True),
                    models.Q(("summary", ""), _negated=True),
                    ("state__in", ["draft", "returned", "withdrawn"]),
                    _connector="OR",
                ),
                name="public_has_summary",
            ),
        ),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("credit__in", ["acknowledgement", "co-authorship"]),
                    ("visibility__in", ["private", "network", "public-summary"]),
                ),
                name="credit_and_visibility_are_known",
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bookings",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="voucher",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bookings",
                to="vouchers.voucher",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["person", "week"], name="booking_by_person"),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.UniqueConstraint(
                fields=("voucher", "person", "week"), name="one_booking_a_week"
            ),
        ),
        migrations.AddConstraint(
            model_name="booking",
            constraint=models.CheckConstraint(
                condition=models.Q(("hours__gt", 0), ("hours__lte", 60)),
                name="booked_hours_fit_a_week",
            ),
        ),
    ]
