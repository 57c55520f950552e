"""Whether somebody may see a voucher follows from its visibility, too."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0005_network"),
        ("vouchers", "0010_triage"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="voucher",
            name="voucher_by_change",
        ),
        migrations.RemoveIndex(
            model_name="voucher",
            name="voucher_for_counts",
        ),
        migrations.AddIndex(
            model_name="voucher",
            index=models.Index(
                fields=[
                    "-changed_at",
                    "-id",
                    "submitted_at",
                    "unit",
                    "author",
                    "offered_to",
                    "consultant",
                    "visibility",
                ],
                name="voucher_by_change",
            ),
        ),
        migrations.AddIndex(
            model_name="voucher",
            index=models.Index(
                fields=[
                    "state",
                    "submitted_at",
                    "unit",
                    "author",
                    "offered_to",
                    "consultant",
                    "visibility",
                ],
                name="voucher_for_counts",
            ),
        ),
    ]
