"""One index tells what the statistics ask of a voucher's events."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0011_lists_by_visibility"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="event",
            name="event_by_voucher",
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["voucher", "at", "actor", "kind"], name="events_of_voucher"),
        ),
    ]
