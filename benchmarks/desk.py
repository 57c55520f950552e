"""What the desk's pages cost: queries and CPU per request, with 1,000 and 10,000 vouchers.

`python benchmarks/desk.py` writes docs/tables/desk_pages.md. CPU is that of the process that serves
the page (view, queries, template), through Django's test client, median of repeated requests.
"""

import os
import statistics
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

TABLE = Path(__file__).parents[1] / "docs" / "tables" / "desk_pages.md"
SIZES = (1_000, 10_000)
REQUESTS = 40


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "EVIDESK_DEMO": "1",
            "EVIDESK_DATA_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "evidesk.desk.settings",
        }
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        from evidesk.desk.demo.load import load

        load()
        rows = []
        for size in SIZES:
            grow(size)
            rows += [(size, *row) for row in measure()]
    lines = ["| vouchers | page | as | queries | CPU ms |", "| ---: | --- | --- | ---: | ---: |"]
    lines += [
        f"| {size:,} | {page} | {persona} | {queries} | {milliseconds:.1f} |"
        for size, page, persona, queries, milliseconds in rows
    ]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


def grow(size: int) -> None:
    """Copies of the demo's vouchers, with their events, until there are `size`."""
    from evidesk.desk.vouchers.models import Event, Voucher

    models = list(Voucher.objects.prefetch_related("events")[:42])
    number = Voucher.objects.count()
    copies, events = [], []
    for model in islice(cycle(models), size - number):
        number += 1
        copy = Voucher(**{f.attname: getattr(model, f.attname) for f in model._meta.fields})
        copy.pk, copy.reference = None, f"V-2020-{number:05d}"
        copies.append(copy)
        events.append([(e.at, e.actor_id, e.kind, e.text, e.data) for e in model.events.all()])
    for copy, told in zip(Voucher.objects.bulk_create(copies), events, strict=True):
        Event.objects.bulk_create(
            Event(voucher=copy, at=at, actor_id=actor, kind=kind, text=text, data=data)
            for at, actor, kind, text, data in told
        )


def measure() -> list[tuple[str, str, int, float]]:
    """Queries and median CPU milliseconds of each page."""
    from django.db import connection
    from django.test import Client

    from evidesk.desk.people.models import Person
    from evidesk.desk.vouchers.models import Voucher

    detail = Voucher.objects.filter(title__startswith="Three networks").earliest("pk").reference
    pages = {
        "list, 25 rows": "/vouchers/",
        "list, last page": "/vouchers/?page=9999",
        "list, searched": "/vouchers/?q=network",
        "first page": "/",
        "voucher with evidence": f"/vouchers/{detail}/",
    }
    found = []
    for persona in ("office", "jonas"):
        client = Client(SERVER_NAME="localhost")
        client.force_login(Person.objects.get(subject=persona))
        if persona == "office":
            pages |= {"statistics": "/office/", "statistics of a unit": "/office/?unit=matter"}
        else:
            pages = {page: path for page, path in pages.items() if "/office/" not in path}
        for page, path in pages.items():
            assert client.get(path).status_code == 200
            statements: list[str] = []

            def note(execute, sql, *rest, statements=statements):  # type: ignore[no-untyped-def]
                statements.append(sql)
                return execute(sql, *rest)

            with connection.execute_wrapper(note):
                client.get(path)
            times = []
            for _ in range(REQUESTS):
                start = time.process_time()
                client.get(path)
                times.append(1e3 * (time.process_time() - start))
            found.append((page, persona, len(statements), statistics.median(times)))
    return found


if __name__ == "__main__":
    main()
