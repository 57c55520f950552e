"""A published study of classifier two-sample tests, cell by cell; and our tests' level and power.

The study (psteinb/c2st, 2023, tag 0.1.0): ten standard normal columns against the same moved by
delta in each, a random forest of 100 trees in ten-fold cross-validation, mean accuracy. It was
written anew from that description; the cells below are those printed there. Run as
`python -m studies.shift_c2st`; it writes docs/tables/shift_c2st.md and shift_methods.md.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy import special
from studies.fold_coverage import error_of, table

from evidesk.methods.shift import METHODS, Method, two_sample_test

Floats = npt.NDArray[np.float64]

TABLES = Path(__file__).parents[1] / "docs" / "tables"

#: Cells as printed: mean accuracy by rows of each sample, for each shift.
SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
PRINTED = {
    128: (0.4215, 0.6202, 0.7462, 0.8515, 0.8985, 0.9763, 1.0),
    2048: (0.5007, 0.6311, 0.7678, 0.8647, 0.9351, 0.9856, 0.9985),
}
COLUMNS = 10
#: All samples are drawn at full length, and their first rows taken.
LONGEST = 8096
DATA_SEED, FOLD_SEED = 1309, 1


def samples() -> dict[float, tuple[Floats, Floats]]:
    """The reference and the sample of each shift, at full length: one reference for all, and then
    one sample after the other from the same generator.
    """
    rng = np.random.default_rng(DATA_SEED)
    reference = rng.standard_normal((LONGEST, COLUMNS))
    return {shift: (reference, rng.standard_normal((LONGEST, COLUMNS)) + shift) for shift in SHIFTS}


def forest_accuracy(X: Floats, Y: Floats, folds: int = 10) -> float:
    """Mean accuracy over the folds, of samples standardised by X's mean and deviation."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import KFold, cross_val_score

    rows = (np.concatenate([X, Y]) - X.mean(axis=0)) / X.std(axis=0)
    label = np.repeat([0, 1], [len(X), len(Y)])
    cv = KFold(folds, shuffle=True, random_state=FOLD_SEED)
    forest = RandomForestClassifier(100, random_state=FOLD_SEED)
    return float(cross_val_score(forest, rows, label, cv=cv).mean())


def best_accuracy(shift: float) -> float:
    """Of the rule that knows both distributions."""
    return float(special.ndtr(np.sqrt(COLUMNS) * shift / 2))


def reproduction(sizes: tuple[int, ...]) -> str:
    """Each cell beside the printed one, and our test of the same samples."""
    rows = []
    for n in sizes:
        for (shift, (x, y)), printed in zip(samples().items(), PRINTED[n], strict=True):
            found = forest_accuracy(x[:n], y[:n])
            result = two_sample_test(x[:n], y[:n], random_state=0)
            assert result.auc is not None
            assert result.total_variation is not None
            rows.append(
                [
                    f"{n:,}",
                    f"{shift:g}",
                    f"{printed:.4f}",
                    f"{found:.4f}",
                    f"{best_accuracy(shift):.4f}",
                    f"{result.p_value.value:.3g}",
                    result.auc.short,
                    f"{(1 + result.total_variation.value) / 2:.4f}",
                ]
            )
    return table(
        [
            "rows of each",
            "shift",
            "accuracy, printed",
            "accuracy, here",
            "best possible",
            "our p-value",
            "our AUROC",
            "our balanced accuracy",
        ],
        rows,
        "Accuracy: random forest, ten folds. Ours: ridge regressions, p-value from relabelling, "
        "AUROC and balanced accuracy of new rows.",
    )


def drawn(kind: str, m: int, n: int, seed: int, d: int = 5) -> tuple[Floats, Floats]:
    """Normal samples without a shift; with one of 0.3 in a mean; or with a correlation of 0.5."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((m, d)), rng.standard_normal((n, d))
    if kind == "mean":
        y[:, 0] += 0.3
    elif kind == "correlation":
        y[:, 1] = 0.5 * y[:, 0] + np.sqrt(0.75) * y[:, 1]
    return x, y


def rejections(method: Method, kind: str, m: int, n: int, runs: int) -> float:
    """Share of samples that the test tells to differ, at 5 %."""
    # A model for each relabelling costs most.
    permutations = 19 if method in ("forest", "refit") else 199
    return float(
        np.mean(
            [
                two_sample_test(
                    *drawn(kind, m, n, seed),
                    method=method,
                    permutations=permutations,
                    random_state=seed,
                ).differs
                for seed in range(runs)
            ]
        )
    )


def methods_table(level: int, power: int) -> str:
    """Type-I error of each test, of so many samples, and its power, of so many."""
    null = (("none", 100, 100), ("none", 200, 60))
    shifted = (("mean", 500, 500), ("correlation", 500, 500))

    def counted(method: Method, kind: str) -> int:
        if kind == "none":
            return level
        # A test by forest takes five seconds here.
        return power // 3 if method == "forest" else power

    cells = [
        (method, kind, m, n, counted(method, kind))
        for method in METHODS
        for kind, m, n in null + shifted
    ]
    # The longest first, so that no processor waits long for another at the end.
    order = sorted(range(len(cells)), key=lambda i: cells[i][0] not in ("forest", "refit"))
    shares = Parallel(n_jobs=-1, verbose=10)(delayed(rejections)(*cells[i]) for i in order)
    found = dict(zip((cells[i] for i in order), shares, strict=True))
    rows = [
        [method, *(f"{100 * share:.1f}" for cell, share in found.items() if cell[0] == method)]
        for method in METHODS
    ]
    return table(
        ["test", *(f"{kind}, {m} + {n}" for kind, m, n in null + shifted)],
        rows,
        "Rejections in % at nominal 5 %, five normal columns: without a shift, with one of 0.3 in "
        f"one mean, with a correlation of 0.5. Monte-Carlo error without a shift, {level:,} "
        f"samples: {error_of(0.05, level)}; else, {power:,} samples ({power // 3:,} of the "
        f"forest): at most {error_of(0.5, power)} ({error_of(0.5, power // 3)}).",
    )


def main() -> None:
    """Write the tables."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("c2st", reproduction(tuple(PRINTED))),
        ("methods", methods_table(1_000, 300)),
    ):
        (TABLES / f"shift_{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
