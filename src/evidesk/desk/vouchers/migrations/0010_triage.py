"""Clocks of triage, units that handed a voucher over, and the usual hours of a kind."""

from typing import Any

import django.core.validators
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

from evidesk.desk.people.calendar import add_working_days


def start_clocks(apps: Any, schema_editor: Any) -> None:
    """What waits already is due as if it had been submitted today."""
    today = timezone.localdate()
    for voucher in apps.get_model("vouchers", "Voucher").objects.select_related("unit"):
        unit = voucher.unit
        if voucher.state == "submitted":
            voucher.respond_by = add_working_days(today, unit.respond_days, unit.state)
            voucher.decide_by = add_working_days(today, unit.decide_days, unit.state)
        elif voucher.state == "returned":
            voucher.days_left = unit.decide_days
        elif voucher.state == "offered":
            voucher.offered_until = add_working_days(today, unit.offer_days, unit.state)
        else:
            continue
        voucher.save(update_fields=["respond_by", "decide_by", "days_left", "offered_until"])


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0005_network"),
        ("vouchers", "0009_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="kind",
            name="hours",
            field=models.PositiveSmallIntegerField(
                default=16,
                help_text="So many free hours make somebody fully available for it.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(160),
                ],
                verbose_name="Usual hours in four weeks",
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="days_left",
            field=models.SmallIntegerField(
                help_text="Working days for the decision when the clock goes on.", null=True
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="decide_by",
            field=models.DateField(help_text="When the decision is due; see `clock`.", null=True),
        ),
        migrations.AddField(
            model_name="voucher",
            name="former_units",
            field=models.ManyToManyField(
                help_text="Units that handed it over; they still see it.",
                related_name="+",
                to="people.unit",
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="offered_until",
            field=models.DateField(help_text="The last day to answer the offer.", null=True),
        ),
        migrations.AddField(
            model_name="voucher",
            name="respond_by",
            field=models.DateField(help_text="When the first response is due.", null=True),
        ),
        migrations.AddField(
            model_name="voucher",
            name="responded_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["kind"], name="event_by_kind"),
        ),
        migrations.AddIndex(
            model_name="voucher",
            index=models.Index(fields=["state", "decide_by"], name="voucher_by_state_and_due"),
        ),
        migrations.RunPython(start_clocks, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "returned"), ("days_left__isnull", True), _connector="OR"
                ),
                name="clock_stands_still_only_when_returned",
            ),
        ),
        migrations.AddConstraint(
            model_name="voucher",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "offered"), ("offered_until__isnull", True), _connector="OR"
                ),
                name="only_an_offer_expires",
            ),
        ),
    ]
