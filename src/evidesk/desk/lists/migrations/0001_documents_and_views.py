"""Documents, from which the database itself derives the full text index; saved views."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import evidesk.desk.lists.models

_ADD = """
    INSERT INTO lists_words(rowid, title, people, asked, said, files)
    VALUES (new.voucher_id, new.title, new.people, new.asked, new.said, new.files)
"""
_REMOVE = """
    INSERT INTO lists_words(lists_words, rowid, title, people, asked, said, files)
    VALUES ('delete', old.voucher_id, old.title, old.people, old.asked, old.said, old.files)
"""
# The index holds no text of its own: it reads the document's, and triggers keep it in step.
_SQLITE = (
    """
    CREATE VIRTUAL TABLE lists_words USING fts5(
        title, people, asked, said, files,
        content='lists_document', content_rowid='voucher_id',
        tokenize='unicode61 remove_diacritics 0', prefix='3 4'
    )
    """,
    f"CREATE TRIGGER lists_document_added AFTER INSERT ON lists_document BEGIN {_ADD}; END",
    f"CREATE TRIGGER lists_document_deleted AFTER DELETE ON lists_document BEGIN {_REMOVE}; END",
    "CREATE TRIGGER lists_document_changed AFTER UPDATE ON lists_document "
    f"BEGIN {_REMOVE}; {_ADD}; END",
)
# The words are cut already, so the configuration that changes nothing is the right one.
_POSTGRESQL = (
    """
    ALTER TABLE lists_document ADD COLUMN words tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', title), 'A')
        || setweight(to_tsvector('simple', people), 'B')
        || setweight(to_tsvector('simple', asked), 'C')
        || setweight(to_tsvector('simple', said), 'D')
        || setweight(to_tsvector('simple', files), 'D')
    ) STORED
    """,
    "CREATE INDEX lists_document_words ON lists_document USING gin (words)",
    "CREATE VIEW lists_words AS SELECT voucher_id AS rowid, words AS lists_words "
    "FROM lists_document",
)


def add_index(apps: Any, schema_editor: Any) -> None:
    postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        schema_editor.execute(statement)


def remove_index(apps: Any, schema_editor: Any) -> None:
    postgresql = schema_editor.connection.vendor == "postgresql"
    schema_editor.execute("DROP VIEW lists_words" if postgresql else "DROP TABLE lists_words")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("people", "0001_initial"),
        ("vouchers", "0002_kinds_and_questions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Words",
            fields=[
                (
                    "voucher",
                    models.OneToOneField(
                        db_column="rowid",
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="vouchers.voucher",
                    ),
                ),
                ("words", evidesk.desk.lists.models.WordsField(db_column="lists_words")),
            ],
            options={
                "verbose_name_plural": "words",
                "db_table": "lists_words",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                (
                    "voucher",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="document",
                        serialize=False,
                        to="vouchers.voucher",
                    ),
                ),
                ("title", models.TextField(help_text="Reference and title.")),
                ("people", models.TextField(help_text="Author and consultant.")),
                ("asked", models.TextField(help_text="The answers and the report.")),
                ("said", models.TextField(help_text="The inquiry and the timeline.")),
                ("files", models.TextField(help_text="Names of the files.")),
                (
                    "text",
                    models.TextField(
                        help_text="Answers, report, timeline and names, for snippets."
                    ),
                ),
            ],
        ),
        migrations.RunPython(add_index, remove_index),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                (
                    "query",
                    models.TextField(
                        blank=True, help_text="The filters, as in the list's address."
                    ),
                ),
                ("is_default", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="views",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        help_text="Whose members see it too.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="views",
                        to="people.unit",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("owner", "name"), name="view_named_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("owner",),
                        name="one_default_view",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="view_has_name"
                    ),
                ],
            },
        ),
    ]
