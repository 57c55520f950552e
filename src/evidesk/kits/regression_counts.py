"""What a table says of predicted numbers, however large it is: the metrics, from sums."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.kits.keys import Keys, keys_of
from evidesk.kits.kit import KitError, Progress
from evidesk.kits.numbers import (
    Survey,
    check_roles,
    numbers,
    scale_of,
    survey,
)
from evidesk.kits.sums import Sums
from evidesk.kits.table import TableFile
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.means import FEWEST_LOSSES, mean_estimate
from evidesk.methods.metrics.moments import explained_evaluation, loss_evaluation
from evidesk.methods.metrics.regression import evaluate_values

Floats = npt.NDArray[np.float64]

#: Ranks need all cases at once: of so many numbers they take a gigabyte or two.
MOST_RANKED = 20_000_000
#: Powers of smaller differences leave the range of floats.
_SMALLEST = 1e-70


@dataclass(frozen=True)
class Predictions:
    """True and predicted numbers of a table.

    Attributes
    ----------
    names : the models.
    columns : the file's columns by their SQL names: ``y`` for the truth, ``p0``, ``p1``, ...
    keys : the group, if any.
    seen : the first look at the numbers; its ``e0``, ``e1``, ... are the errors.
    """

    table: TableFile
    names: tuple[str, ...]
    columns: dict[str, str]
    keys: Keys
    seen: Survey

    @property
    def n(self) -> int:
        """Number of cases."""
        return self.seen.n

    @property
    def constant(self) -> bool:
        """Whether the truth is the same in all cases, but for rounding."""
        low, high = self.seen.lowest["y"], self.seen.highest["y"]
        digits = 4 * float(np.finfo(np.float64).eps) * max(abs(low), abs(high))
        return high - low <= max(digits, _SMALLEST)

    @property
    def source(self) -> str:
        """SQL of the numbers, with the group as ``grp``."""
        return numbers(self.table, self.columns, self.keys.source)

    def error(self, i: int) -> tuple[str, float]:
        """SQL of the error of a model, in [-1, 1], and its unit."""
        unit = scale_of(self.seen.largest[f"e{i}"])
        return f"(p{i} - y) / {unit!r}", unit


def look(
    table: TableFile,
    truth: str,
    predictions: Sequence[str],
    group: str | None,
    progress: Progress,
) -> Predictions:
    """Check the columns and their values.

    Raises
    ------
    KitError : a column is missing or has two roles; values are missing, no numbers or infinite;
        there are fewer than two cases or groups.
    """
    roles = [("the truth", truth), *(("a prediction", name) for name in predictions)]
    check_roles([*roles, ("the group", group)])
    table.check_columns(truth, *predictions, *([] if group is None else [group]))
    columns = {"y": truth} | {f"p{i}": name for i, name in enumerate(predictions)}
    errors = {f"e{i}": f"p{i} - y" for i in range(len(predictions))}
    seen = survey(table, columns, errors, progress, (0.2, 0.4))
    if seen.n < 2:
        raise KitError(
            f"{table.path.name} has one row only: at least two cases are needed, for one alone "
            "cannot tell how much cases differ."
        )
    keys = keys_of(table, None, group, seen.n, progress)
    return Predictions(table, tuple(predictions), columns, keys, seen)


#: Of each metric, the estimates by model and, for grouped cases, the design effects.
Found = dict[str, tuple[dict[str, Estimate], dict[str, float]]]


def metrics(
    cases: Predictions, level: float, unit: str, progress: Progress, span: tuple[float, float]
) -> Found:
    """RMSE, MAE, mean error and R2 of each model, by the metric's name.

    R2 is left out where the truth is constant.
    """
    centre = cases.seen.lowest["y"] / 2 + cases.seen.highest["y"] / 2
    y_unit = scale_of(cases.seen.highest["y"] - centre, cases.seen.lowest["y"] - centre)
    y = f"(y - {centre!r}) / {y_unit!r}"
    terms, products = {"y": y, "yy": f"({y}) * ({y})"}, [("y", "y"), ("y", "yy"), ("yy", "yy")]
    for i in range(len(cases.names)):
        error, _ = cases.error(i)
        own = {f"e{i}": error, f"a{i}": f"abs({error})", f"ee{i}": f"({error}) * ({error})"}
        terms |= own
        products += [(name, name) for name in own] + [("y", f"ee{i}"), ("yy", f"ee{i}")]
    sums = Sums(
        cases.table, "sums", cases.source, terms, products, list(cases.keys.columns), progress, span
    )
    found: Found = {}
    for name, made in _METRICS.items():
        if name == "R2" and cases.constant:
            continue
        estimates: dict[str, Estimate] = {}
        effects: dict[str, float] = {}
        for i, model in enumerate(cases.names):
            evaluation = made(sums, i, model, cases.error(i)[1], y_unit, unit)
            if name == "mean error":
                estimates |= evaluation.estimates(level=level)
            else:
                estimates[model] = mean_estimate(
                    evaluation,
                    level=level,
                    method="clt",
                    resamples=100,
                    random_state=None,
                    fewest=FEWEST_LOSSES,
                    stacklevel=1,
                )
            if cases.keys.grouped:
                effects[model] = float(evaluation.design_effects[0])
        found[name] = estimates, effects
    return found


def _rmse(sums: Sums, i: int, model: str, e_unit: float, y_unit: float, unit: str) -> Evaluation:
    return loss_evaluation("rmse", model, sums.moments([f"ee{i}"]), size=e_unit, unit=unit)


def _mae(sums: Sums, i: int, model: str, e_unit: float, y_unit: float, unit: str) -> Evaluation:
    return loss_evaluation("mae", model, sums.moments([f"a{i}"]), size=e_unit, unit=unit)


def _bias(sums: Sums, i: int, model: str, e_unit: float, y_unit: float, unit: str) -> Evaluation:
    moments = sums.moments([f"e{i}"])
    return moments.evaluation("mean error", [model], moments.means * e_unit, [[e_unit]], unit=unit)


def _r2(sums: Sums, i: int, model: str, e_unit: float, y_unit: float, unit: str) -> Evaluation:
    moments = sums.moments(["y", "yy", f"ee{i}"])
    return explained_evaluation(model, moments, ratio=(e_unit / y_unit) ** 2)


_METRICS: dict[str, Callable[[Sums, int, str, float, float, str], Evaluation]] = {
    "RMSE": _rmse,
    "MAE": _mae,
    "mean error": _bias,
    "R2": _r2,
}


def spearman(
    cases: Predictions, level: float, progress: Progress, at: float
) -> tuple[dict[str, Estimate], dict[str, float]] | None:
    """Spearman's correlation of each model, unless constant; None if there are too many cases."""
    if cases.n * (1 + len(cases.names)) > MOST_RANKED or cases.constant:
        return None
    asked = [*cases.columns, *cases.keys.codes.values()]
    y, *columns = cases.table.arrays(
        f"SELECT {', '.join(asked)} FROM {cases.source}",  # noqa: S608 - own names
        progress,
        "Ranking",
        (at, at),
    )
    groups = columns.pop() if cases.keys.grouped else None
    estimates: dict[str, Estimate] = {}
    effects: dict[str, float] = {}
    for i, (name, values) in enumerate(zip(cases.names, columns, strict=True)):
        if cases.seen.lowest[f"p{i}"] < cases.seen.highest[f"p{i}"]:
            evaluation = evaluate_values("spearman", y, {name: values}, groups=groups)
            estimates |= evaluation.estimates(level=level)
            if cases.keys.grouped:
                effects[name] = float(evaluation.design_effects[0])
    return estimates, effects
