"""Tags and fields for vouchers; kinds can be retired."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0005_network"),
        ("vouchers", "0007_list_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("retired_at", models.DateTimeField(editable=False, null=True)),
                ("name", models.CharField(max_length=40, unique=True, verbose_name="Name")),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="kind",
            name="retired_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="voucher",
            name="field",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="vouchers",
                to="people.field",
            ),
        ),
        migrations.AlterField(
            model_name="kind",
            name="max_days",
            field=models.PositiveSmallIntegerField(
                validators=[django.core.validators.MaxValueValidator(366)],
                verbose_name="Longest length in days",
            ),
        ),
        migrations.AlterField(
            model_name="kind",
            name="min_days",
            field=models.PositiveSmallIntegerField(verbose_name="Shortest length in days"),
        ),
        migrations.AlterField(
            model_name="kind",
            name="name",
            field=models.CharField(max_length=60, unique=True, verbose_name="Name"),
        ),
        migrations.AlterField(
            model_name="kind",
            name="position",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="Place in lists"),
        ),
        migrations.AlterField(
            model_name="kind",
            name="purpose",
            field=models.CharField(max_length=300, verbose_name="Purpose"),
        ),
        migrations.AlterField(
            model_name="kind",
            name="slug",
            field=models.SlugField(
                help_text="For addresses: small letters and hyphens.",
                unique=True,
                verbose_name="Short name",
            ),
        ),
        migrations.AlterConstraint(
            model_name="kind",
            name="kind_limits_make_sense",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_days__gte", models.F("min_days")), ("min_days__gte", 1)),
                name="kind_limits_make_sense",
                violation_error_message="The shortest length is at least 1 day and at most the longest.",
            ),
        ),
        migrations.AddField(
            model_name="voucher",
            name="tags",
            field=models.ManyToManyField(related_name="vouchers", to="vouchers.tag"),
        ),
    ]
