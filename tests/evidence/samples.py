"""Evidence to test with."""

from datetime import UTC, datetime, timedelta

from evidesk.evidence import (
    Column,
    Estimate,
    Evidence,
    Figure,
    Finding,
    Input,
    Provenance,
    Table,
    Verdict,
    forest_plot,
)

STARTED = datetime(2026, 3, 4, 9, 30, 0, 123456, tzinfo=UTC)

SVG = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10">'
    '<rect width="20" height="10" fill="#0b6e6e"/></svg>\n'
)


def an_estimate(value: float = 0.93527, half_width: float = 0.01863, **changes: object) -> Estimate:
    fields = {
        "value": value,
        "low": value - half_width,
        "high": value + half_width,
        "level": 0.95,
        "method": "normal",
        "n": 670,
    }
    return Estimate(**(fields | changes))


def a_table(name: str = "accuracy") -> Table:
    return Table(
        name=name,
        title="Accuracy of each model",
        columns=(
            Column("model", "text", "Model"),
            Column("n", "integer", "Images"),
            Column("accuracy", "number", "Accuracy"),
            Column("seconds", "number", "Time", "s"),
        ),
        rows=(
            ("resnext50", 670, 0.1 + 0.2, 1e-300),
            ('with "quotes", commas\nand a line', 0, None, float("inf")),
            ("ünïcødé ✓", None, -0.0, 5e-324),
            ("", -(2**70), 1 / 3, 1.7976931348623157e308),
        ),
    )


def a_provenance(later: timedelta = timedelta(0)) -> Provenance:
    return Provenance(
        kit="accuracy",
        parameters={"truth": "label", "level": 0.95, "predictions": ["a", "b"], "fold": None},
        inputs=(
            Input("predictions.csv", "ab" * 32, 12_345),
            Input("copy of predictions.csv", "ab" * 32, 12_345),
            Input("empty.csv", "0" * 64, 0),
        ),
        random_state=42,
        versions={"evidesk": "0.1.0", "python": "3.11.2", "numpy": "2.4.6"},
        started=STARTED + later,
        ended=STARTED + later + timedelta(seconds=1.5),
        agent="Ada Lovelace",
        commit="0123abc",
    )


def an_evidence(later: timedelta = timedelta(0)) -> Evidence:
    return Evidence(
        question="How accurate is the network on images it has not seen?",
        answer="It labels 93.5 % of them correctly, and it is better than the older one.",
        findings=(
            Finding("The network is right more often than 9 times in 10.", an_estimate()),
            Finding(
                "The two networks differ.",
                an_estimate(0.004, 0.013, unit="points", null_value=0.0),
                Verdict.UNDECIDED,
            ),
            Finding(
                "The loss is bounded.",
                Estimate(3, 2, float("inf"), 0.9, "bootstrap", 5, finite=False),
                Verdict.REFUTED,
            ),
        ),
        tables=(a_table(), a_table("again")),
        figures=(Figure("bars", "Accuracy <by> model", SVG, "A green bar.", a_table("bars")),),
        warnings=("The normal approximation is poor & n is small.",),
        provenance=a_provenance(later),
    )


def a_plotted_figure() -> Figure:
    estimates = {f"model {i}": an_estimate(0.9 + i / 100, null_value=0.92) for i in range(4)}
    return Figure.from_matplotlib(
        forest_plot(estimates, xlabel="accuracy").figure,
        name="intervals",
        title="Accuracy with 95 % intervals",
        alt="Four intervals, the last is the highest.",
        data=a_table("intervals"),
    )
