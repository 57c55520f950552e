"""Which features the shift is in: each alone, each beyond what the others tell, and in pairs.

*Alone*: Neyman's smooth test of each feature's ranks (Pearson's chi-squared of its categories),
against relabelled samples: exact if rows (or groups) are exchangeable as far as this feature goes.

*Beyond the others*: the labels and everything that is made of the feature are both regressed on the
other features; if the feature tells nothing more, what is left of one is uncorrelated with what is
left of the other. That is the generalised covariance measure of Shah and Peters, "The hardness of
conditional independence testing and the generalised covariance measure", Annals of Statistics 48
(2020) 1514-1538, and its weighted kin of Scheidegger, Hörrmann and Bühlmann, JMLR 23 (2022) 273,
with products of features for weights. Random signs of the rows' (or groups') contributions give the
p-value (Liu, "Bootstrap procedures under some non-i.i.d. models", Annals of Statistics 16 (1988)
1696-1708). It holds as far as the regressions, which are additive with products of pairs, can tell.

*In pairs*: correlations of ranks within each sample, so that a shift of a single feature does not
count, over the rows where both values are there, so that a shift of how many are missing does not,
either; against relabelled samples. The largest of all pairs is what each is compared with (Westfall
and Young, "Resampling-based multiple testing", 1993).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from numpy.polynomial import legendre
from scipy import stats

from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.ridge import PENALTIES
from evidesk.methods.shift.samples import MISSING, Samples

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_DEGREE = 4
#: Polynomials of ranks, and categories, of which products are made in pairs.
_DEGREE_IN_PAIRS = 2
_LEVELS_IN_PAIRS = 5
#: Columns of numbers in the regressions, and in all pairs.
MOST_COLUMNS = 1_000
MOST_IN_PAIRS = 10_000
#: Numbers in a batch.
_BATCH = 20_000_000
#: The regressions leave so many rows for each of their free parameters.
_ROWS_FOR_PARAMETER = 4


def marginal_statistics(
    samples: Samples, relabelling: Relabelling, count: int, rng: np.random.Generator
) -> Floats:
    """Shape (features, 1 + count): the share of the labels' variance that each feature's own
    functions explain, of the labels that are there and of relabelled ones.
    """
    blocks = [_orthonormal(block) for block in own_functions(samples)]
    ends = np.cumsum([block.shape[1] for block in blocks])
    table = np.hstack(blocks)
    parts = []
    for labels in relabelling.batches(count, rng):
        centred = labels - labels.mean(axis=0)
        squared = (table.T @ centred) ** 2
        total = (centred**2).sum(axis=0)
        # A feature that does not vary has no columns, and explains nothing.
        explained = [block.sum(axis=0) for block in np.split(squared, ends[:-1])]
        parts.append(np.stack(explained) / total)
    return np.concatenate(parts, axis=1, dtype=np.float64)


def own_functions(samples: Samples, degree: int = _DEGREE) -> list[Singles]:
    """Of each feature: polynomials of its ranks and whether it is missing, or its categories."""
    found = []
    for number, feature in enumerate(samples.features):
        columns = samples.design[:, samples.owner == number]
        if feature.kind == "numeric":
            rank = _ranks(columns[:, 0])
            columns = np.hstack([legendre.legvander(rank, degree)[:, 1:], columns[:, 1:]])
        found.append(columns.astype(np.float32))
    return found


def _ranks(values: Floats) -> Floats:
    """Mid-ranks, from -1 to 1."""
    return np.asarray(2 * (stats.rankdata(values) - 0.5) / len(values) - 1)


def _orthonormal(columns: Singles) -> Singles:
    centred = columns - columns.mean(axis=0, dtype=np.float64)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    # All functions are between -1 and 1, so that what is smaller than this is a rounding error.
    return np.asarray(left[:, size > 1e-6 * max(size[0], 1.0)], dtype=np.float32)


@dataclass(frozen=True)
class Regressions:
    """Regressions of the labels with and without each feature.

    Attributes
    ----------
    table : shape (n, columns), standardised.
    users : for each feature, its columns: its own functions, and products with others.
    has_products : whether there was room for products.
    controls : whether there are enough rows for the regressions not to be shrunk much.
    """

    table: Singles
    users: tuple[Ints, ...]
    has_products: bool
    gram: Floats
    penalty: float
    controls: bool

    @classmethod
    def of(cls, samples: Samples) -> "Regressions":
        degree = int(np.clip(MOST_COLUMNS // len(samples.features), 1, _DEGREE))
        own = own_functions(samples, degree)
        first = [
            block[:, :1] if feature.kind == "numeric" else block[:, :_LEVELS_IN_PAIRS]
            for block, feature in zip(own, samples.features, strict=True)
        ]
        pairs = list(combinations(range(len(own)), 2))
        width = sum(block.shape[1] for block in own)
        with_products = width + sum(first[i].shape[1] * first[j].shape[1] for i, j in pairs)
        has_products = with_products <= min(MOST_COLUMNS, samples.n // 2)
        made: list[tuple[Singles, tuple[int, ...]]] = [
            (block, (number,)) for number, block in enumerate(own)
        ]
        if has_products:
            made += [(_products(first[i], first[j]), (i, j)) for i, j in pairs]
        table = np.hstack([block for block, _ in made])
        table -= table.mean(axis=0, dtype=np.float64).astype(np.float32)
        scale = np.sqrt(np.einsum("ij,ij->j", table, table, dtype=np.float64) / samples.n)
        table /= np.where(scale > 1e-6, scale, np.inf).astype(np.float32)
        owners = [owner for block, owner in made for _ in range(block.shape[1])]
        users = tuple(
            np.array([i for i, owner in enumerate(owners) if number in owner])
            for number in range(len(own))
        )
        gram = (table.T @ table).astype(np.float64)
        variances = np.maximum(np.linalg.eigvalsh(gram), 0) / samples.n
        free = [float((variances / (variances + one)).sum()) for one in PENALTIES]
        allowed = (samples.n - 1) / _ROWS_FOR_PARAMETER
        fitting = [one for one, count in zip(PENALTIES, free, strict=True) if count <= allowed]
        penalty = min(fitting, default=PENALTIES[-1])
        return cls(table, users, has_products, gram, penalty, penalty < 0.1)

    @property
    def n(self) -> int:
        return len(self.table)

    def lost(self, is_current: npt.NDArray[np.bool_]) -> Floats:
        """Shape (features,): by how much the share of the labels' variance that is explained on new
        rows (generalised cross-validation) falls without each feature.
        """
        labels = (is_current - is_current.mean()).astype(np.float64)
        along = self.table.T @ labels.astype(np.float32)
        best, kept = -np.inf, np.empty(0)
        for penalty in PENALTIES:
            inverse = self._inverse(penalty)
            explained = self._explained(inverse, along.astype(np.float64), labels, penalty)
            if explained[0] > best:
                best, kept = float(explained[0]), explained
        return np.asarray(best - kept[1:])

    def _inverse(self, penalty: float) -> Floats:
        return np.asarray(
            np.linalg.inv(self.gram + self.n * penalty * np.eye(len(self.gram))), float
        )

    def _explained(self, inverse: Floats, along: Floats, labels: Floats, penalty: float) -> Floats:
        """Of all features, and without each."""
        weights, total, ridge = inverse @ along, float(labels @ labels), self.n * penalty
        trace = float(np.trace(inverse))

        def explained(w: Floats, columns: int, trace: float) -> float:
            left = total - float(along @ w) - ridge * float(w @ w)
            free = 1 - min((columns - ridge * trace + 1) / self.n, 0.999)
            return 1 - left / total / free**2

        found = [explained(weights, len(along), trace)]
        for columns in self.users:
            block = inverse[:, columns]
            # Elimination of the block from the inverse.
            back = np.linalg.solve(block[columns], block.T)
            without = weights - back.T @ weights[columns]
            less = trace - float((block * back.T).sum())
            found.append(explained(without, len(along) - len(columns), less))
        return np.array(found)

    def conditional_statistics(
        self, relabelling: Relabelling, count: int, rng: np.random.Generator
    ) -> Iterator[Floats]:
        """For each feature, shape (1 + count): how much of what the others leave of the labels goes
        with what they leave of the feature; then the same with random signs.
        """
        labels = (relabelling.is_current - relabelling.is_current.mean()).astype(np.float32)
        inverse = self._inverse(self.penalty)
        weights = inverse @ (self.table.T @ labels).astype(np.float64)
        residual = labels - self.table @ weights.astype(np.float32)
        spread = self.table @ inverse.astype(np.float32)
        leverage = 1 / self.n + np.einsum("ij,ij->i", spread, self.table, dtype=np.float64)
        units = int(relabelling.group.max()) + 1
        by_row = units == self.n
        seed = int(rng.integers(2**63))
        for columns in self.users:
            block = inverse[np.ix_(columns, columns)]
            left = spread[:, columns] @ np.linalg.inv(block).astype(np.float32)
            of_labels = residual + left @ weights[columns].astype(np.float32)
            own = np.einsum("ij,jk,ik->i", left, block.astype(np.float32), left, optimize=True)
            # Residuals are smaller than errors: more so where a row draws the regression to itself.
            free = np.clip(1 - leverage + own, 0.1, 1.0)
            observed = (left * of_labels[:, None]).sum(axis=0, dtype=np.float64)
            signed = left * (of_labels / free).astype(np.float32)[:, None]
            if not by_row:
                signed = _sums(signed, relabelling.group, units)
            root = np.linalg.cholesky(block)
            parts = [((observed @ root) ** 2).sum(keepdims=True)]
            # The same signs for all features.
            signs = np.random.default_rng(seed)
            size = max(1, _BATCH // units)
            for begin in range(0, count, size):
                some = min(size, count - begin)
                drawn = signs.integers(0, 2, (some, units), dtype=np.int8)
                flips = (2 * drawn - 1).astype(np.float32)
                parts.append(((flips @ signed @ root) ** 2).sum(axis=1))
            yield np.concatenate(parts)


def _sums(table: Singles, group: Ints, units: int) -> Singles:
    """Sums over the rows of each group."""
    found = np.zeros((units, table.shape[1]), dtype=np.float32)
    np.add.at(found, group, table)
    return found


def _products(first: Singles, second: Singles) -> Singles:
    return np.asarray((first[:, :, None] * second[:, None, :]).reshape(len(first), -1))


def pair_statistics(
    samples: Samples, relabelling: Relabelling, count: int, rng: np.random.Generator
) -> tuple[list[tuple[int, int]], Floats] | None:
    """The pairs, and shape (pairs, 1 + count): how unlike the samples' dependence between the two
    features is, as minus the logarithm of a chi-squared tail. None if there are too many pairs, or
    none.
    """
    is_current = samples.is_current
    made, there = zip(*_within(samples), strict=True)
    pairs = list(combinations(range(len(made)), 2))
    widths = [made[i].shape[1] * made[j].shape[1] for i, j in pairs]
    if not pairs or sum(widths) > min(MOST_IN_PAIRS, 10 * _BATCH // samples.n):
        return None
    table = np.hstack([_joint(made[i], made[j], there[i], there[j], is_current) for i, j in pairs])
    starts = np.r_[0, np.cumsum(widths)[:-1]]
    freedom = np.add.reduceat(table.any(axis=0), starts, dtype=np.intp).clip(1)
    # Which rows a pair has, by those of its features that lack values.
    lacking = [tuple(k for k in pair if not there[k].all()) for pair in pairs]
    distinct = list(dict.fromkeys(lacking))
    same = [distinct.index(one) for one in lacking]
    whole = np.ones(samples.n, dtype=bool)
    rows = np.column_stack([np.all([whole, *(there[k] for k in one)], axis=0) for one in distinct])
    size = rows.sum(axis=0)[:, None]
    rows = rows.astype(np.float32)
    parts = []
    for labels in relabelling.batches(count, rng):
        squared = np.add.reduceat((table.T @ (labels - labels.mean(axis=0))) ** 2, starts, axis=0)
        current = (rows.T @ labels).astype(np.float64)
        # The sum of squares of these rows' labels. If they are all of one sample, nothing is told.
        spread = current * (size - current) / np.maximum(size, 1)
        parts.append(squared / np.where(spread > 0, spread, np.inf)[same])
    statistics = np.concatenate(parts, axis=1, dtype=np.float64)
    return pairs, -np.asarray(stats.chi2.logsf(statistics, freedom[:, None]))


def _within(samples: Samples) -> Iterator[tuple[Singles, Mask]]:
    """Of each feature, functions of mean 0 and variance 1 within each sample, and which rows have
    a value.
    """
    for number, feature in enumerate(samples.features):
        columns = samples.design[:, samples.owner == number]
        there = np.ones(samples.n, dtype=bool)
        if feature.kind == "categorical":
            missing = np.array(feature.levels) == MISSING
            there[columns[:, missing].any(axis=1)] = False
            values = columns[:, ~missing][:, :_LEVELS_IN_PAIRS]
        else:
            if feature.has_missing:
                there = columns[:, 1] == 0
            values = np.zeros((samples.n, _DEGREE_IN_PAIRS))
            for current in (False, True):
                rows = there & (samples.is_current == current)
                ranks = _ranks(columns[rows, 0])
                values[rows] = legendre.legvander(ranks, _DEGREE_IN_PAIRS)[:, 1:]
        yield _standardised(values.astype(np.float32), there, samples.is_current), there


def _standardised(values: Singles, there: Mask, is_current: Mask) -> Singles:
    """Of mean 0 and variance 1 within each sample, of the rows that are there; else 0."""
    found = np.zeros_like(values)
    for current in (False, True):
        rows = there & (is_current == current)
        if rows.any():
            centred = values[rows] - values[rows].mean(axis=0, dtype=np.float64)
            spread = np.sqrt((centred**2).mean(axis=0))
            found[rows] = centred / np.where(spread > 1e-6, spread, np.inf)
    return found


def _joint(
    first: Singles, second: Singles, has_first: Mask, has_second: Mask, is_current: Mask
) -> Singles:
    """Products of two features' functions, of mean 0 and variance 1 over the rows that have both
    values; else 0.
    """
    there = has_first & has_second
    if not there.all():
        # Of these rows alone, their mean is the correlation.
        first, second = (_standardised(one, there, is_current) for one in (first, second))
    products = _products(first, second)
    if there.any():
        products[there] -= products[there].mean(axis=0, dtype=np.float64).astype(np.float32)
        scale = np.sqrt((products[there] ** 2).mean(axis=0, dtype=np.float64))
        products /= np.where(scale > 1e-6, scale, np.inf).astype(np.float32)
    return products
