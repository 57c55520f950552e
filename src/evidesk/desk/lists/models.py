"""The full text index, and the views that people keep."""

from typing import Any

from django.db import models
from django.db.models import F, Func, Lookup, Q
from django.utils import timezone

from evidesk.desk.lists.words import Match
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.vouchers.models import Voucher


class Document(models.Model):
    """What a voucher can be found by: `text` as people wrote it, the others cut into words.

    The database derives :class:`Words` from it in the same statement: on SQLite by triggers, on
    PostgreSQL by a generated column. A migration that changes this table has to make them anew, for
    SQLite's triggers go when Django rebuilds a table.
    """

    voucher = models.OneToOneField(
        Voucher, models.CASCADE, primary_key=True, related_name="document"
    )
    title = models.TextField(help_text="Reference and title.")
    people = models.TextField(help_text="Author and consultant.")
    asked = models.TextField(help_text="The answers and the report.")
    said = models.TextField(help_text="The inquiry and the timeline.")
    files = models.TextField(help_text="Names of the files.")
    text = models.TextField(help_text="Answers, report, timeline and names, for snippets.")

    def __str__(self) -> str:
        return f"what voucher {self.voucher_id} can be found by"


class WordsField(models.TextField[Any, Any]):
    """The words of a document, to be asked only whether they match."""


@WordsField.register_lookup
class Matches(Lookup[Any]):
    """Whether the words match a :class:`evidesk.desk.lists.words.Match`."""

    lookup_name = "match"
    prepare_rhs = False
    rhs: Match

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        sql, parameters = self.process_lhs(compiler, connection)
        return f"{sql} MATCH %s", [*parameters, self.rhs.fts5()]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        sql, parameters = self.process_lhs(compiler, connection)
        return f"{sql} @@ %s::tsquery", [*parameters, self.rhs.tsquery()]


class Distance(Func):
    """How badly matching words match: the best first in ascending order.

    SQLite's bm25 and PostgreSQL's ts_rank_cd both weigh title, people, asked, said and files.
    """

    output_field = models.FloatField()

    def __init__(self, match: Match) -> None:
        super().__init__(F("words__words"))
        self.match = match

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        sql, parameters = compiler.compile(self.source_expressions[0])
        return f"bm25({sql}, 10.0, 4.0, 2.0, 1.0, 1.0)", list(parameters)

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        sql, parameters = compiler.compile(self.source_expressions[0])
        # Weights of D, C, B and A; 1 divides by the logarithm of the length, as bm25 does about.
        return (
            f"-ts_rank_cd('{{0.1, 0.2, 0.4, 1.0}}', {sql}, %s::tsquery, 1)",
            [*parameters, self.match.tsquery()],
        )


class Words(models.Model):
    """The index: an FTS5 table on SQLite, a view of the document's tsvector on PostgreSQL."""

    voucher = models.OneToOneField(
        Voucher,
        models.DO_NOTHING,  # the document goes, and the index with it
        primary_key=True,
        db_column="rowid",
        related_name="words",
    )
    words = WordsField(db_column="lists_words")

    class Meta:
        managed = False
        db_table = "lists_words"
        verbose_name_plural = "words"

    def __str__(self) -> str:
        return f"words of voucher {self.voucher_id}"


class SavedView(models.Model):
    """A list of vouchers that somebody comes back to: a name for the filters in its address."""

    owner = models.ForeignKey(Person, models.CASCADE, related_name="views")
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True, help_text="The filters, as in the list's address.")
    unit = models.ForeignKey(
        Unit, models.CASCADE, null=True, related_name="views", help_text="Whose members see it too."
    )
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="view_named_once"),
            models.UniqueConstraint(
                fields=["owner"], condition=Q(is_default=True), name="one_default_view"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="view_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
