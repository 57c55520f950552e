"""Who wins when many act at once: each step of a voucher and each run is taken exactly once.

`python benchmarks/desk_races.py` tries it on SQLite and on a private PostgreSQL and writes
docs/tables/desk_races.md. A small version runs in tests/desk/operations/test_robustness.py.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.desk.desks import ROOT, Desk, a_desk
from tests.postgres import cluster

TABLE = ROOT / "docs" / "tables" / "desk_races.md"
PROCESSES = 8
VOUCHERS = 1_250
RUNS = 250
#: The steps that somebody can take from "submitted"; each process tries one of them.
STEPS = (
    "actions.offer(v, network.lead, network.consultant)",
    "actions.offer(v, network.office, network.colleague)",
    "actions.decline(v, network.lead, 'Not ours.')",
    "actions.decline(v, network.office, 'Not ours.')",
    "actions.send_back(v, network.lead, 'How many?')",
    "actions.send_back(v, network.office, 'How many?')",
    "actions.withdraw(v, network.author)",
    "actions.withdraw(v, network.author, 'Solved.')",
)
#: Looks at a block of vouchers, says so, and when told acts on all of them.
RACE = """
import json, sys
from evidesk.desk.people.rules import Conflict
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.runs.models import Run
act = lambda v: {step}
for person in (network.lead, network.office, network.consultant, network.author):
    person.roles
for line in sys.stdin:
    keys = json.loads(line)
    if "vouchers" in keys:
        seen = list(Voucher.objects.filter(pk__in=keys["vouchers"]).select_related("kind", "author",
            "unit", "questionnaire").order_by("pk"))
        def attempt(voucher):
            try:
                act(voucher)
            except Conflict:
                return False
            return True
    else:
        seen, attempt = keys["runs"], run_actions.claim_run
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps([attempt(one) for one in seen]), flush=True)
"""


def races(desk: Desk, *, processes: int, vouchers: int, runs: int, block: int = 25) -> list[int]:
    """Let processes race for the same steps and for the same runs.

    Returns attempts at a step, steps that were taken twice or not at all, attempts to claim a run,
    runs that were claimed twice or not at all.
    """
    made = json.loads(
        desk.python(
            f"""
import json, tempfile
from evidesk.desk.runs.models import Run
keys = [voucher_in(State.SUBMITTED, network).pk for _ in range({vouchers})]
active = voucher_in(State.ACTIVE, network)
file = an_attachment(active, network)
run = a_run(active, network, file)
many = Run.objects.bulk_create(
    Run(voucher=active, kit="accuracy", attachment=file, parameters={{}},
        started_by=network.consultant)
    for _ in range({runs})
)
print(json.dumps([keys, [one.pk for one in many]]))
"""
        )
    )
    racers = [
        desk.start(RACE.replace("{step}", STEPS[number % len(STEPS)]))
        for number in range(processes)
    ]
    wins: list[list[bool]] = []
    for kind, keys in zip(("vouchers", "runs"), made, strict=True):
        for start in range(0, len(keys), block):
            outcomes = _one_round(racers, {kind: keys[start : start + block]})
            wins += [list(each) for each in zip(*outcomes, strict=True)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
        assert racer.wait(60) == 0
    twice = int(
        desk.python(
            f"""
wrong = 0
for voucher in Voucher.objects.filter(pk__in={made[0]}).prefetch_related("events"):
    steps = [event for event in voucher.events.all() if event.kind not in ("started", "submit")]
    wrong += [event.data["state"] for event in steps] != [voucher.state]
print(wrong)
"""
        )
    )
    steps, claims = wins[:vouchers], wins[vouchers:]
    return [
        sum(map(len, steps)),
        twice + sum(sum(each) != 1 for each in steps),
        sum(map(len, claims)),
        sum(sum(each) != 1 for each in claims),
    ]


def _one_round(racers: list[subprocess.Popen[str]], keys: dict[str, list[int]]) -> list[list[bool]]:
    for racer in racers:
        _say(racer, json.dumps(keys))
    for racer in racers:
        assert _hear(racer) == "ready"
    for racer in racers:
        _say(racer, "go")
    return [json.loads(_hear(racer)) for racer in racers]


def _say(racer: subprocess.Popen[str], line: str) -> None:
    assert racer.stdin is not None
    racer.stdin.write(line + "\n")
    racer.stdin.flush()


def _hear(racer: subprocess.Popen[str]) -> str:
    assert racer.stdout is not None
    return racer.stdout.readline().strip()


def main() -> None:
    lines = [
        "| database | at once | attempts | to be taken once | taken twice or never |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as folder, cluster() as server:
        for name, address in (("SQLite", ""), ("PostgreSQL", server)):
            with a_desk(Path(folder) / name, address) as desk:
                steps, wrong, claims, claimed = races(
                    desk, processes=PROCESSES, vouchers=VOUCHERS, runs=RUNS
                )
            lines += [
                f"| {name} | {PROCESSES} people | {steps:,} | {VOUCHERS:,} steps of vouchers "
                f"| {wrong} |",
                f"| {name} | {PROCESSES} workers | {claims:,} | {RUNS:,} runs | {claimed} |",
            ]
            print(*lines[-2:], sep="\n", flush=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
