"""Errors of whole functions, and what they do to what is made of the predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.surrogates.calibrated import Calibrated, check_count
from evidesk.methods.surrogates.derived import (
    Backend,
    Derived,
    DerivedScale,
    Function,
    functions_of,
    through,
)
from evidesk.methods.surrogates.domain import threshold
from evidesk.methods.surrogates.intervals import nothing_refused, refusals

Floats = npt.NDArray[np.float64]

#: Numbers that are drawn at a time.
_DRAWN = 2**24


class Propagating(Calibrated):
    """Draws functions that the truth could be, and sends them through the user's own."""

    def sample(self, X: Any, n: int, random_state: RandomState = None) -> Floats:
        """Functions that the truth could be, each at all of these rows.

        Errors of rows that are alike are alike: all of the error is taken to be the function's, and
        none an independent noise of each row, which would average out.

        Returns
        -------
        Shape (n, rows) or (n, rows, outputs), as ``y`` was.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        ValueError : bad rows, or ``n`` below 1.
        """
        self._check_calibrated()
        X = self._rows(X)
        check_count("n", n)
        drawn = self._mean_of(X) + self._deviations(self._factors_of(X), n, generator(random_state))
        return np.asarray(drawn[..., 0] if self._single else drawn)

    def propagate(
        self,
        fn: Function | Sequence[Function],
        X: Any,
        *,
        scale: DerivedScale | None = None,
        level: float = 0.9,
        samples: int = 200,
        vectorised: bool = False,
        backend: Backend = "numpy",
        unit: str = "",
        refuse: bool = True,
        random_state: RandomState = None,
    ) -> Derived:
        """What the predictions of a system amount to, and how far that can be trusted.

        Parameters
        ----------
        fn : function of what `predict` returns for one system, which returns a number or a vector;
            or one function for each system.
        X : the rows of one system, shape (rows, features), or a list of these.
        scale : from `calibrate_derived`.
        level : of the intervals.
        samples : how many functions are drawn.
        vectorised : whether ``fn`` takes all draws at once: a first axis more, in and out.
        backend : whether ``fn`` is given arrays of NumPy or tensors of PyTorch.
        unit : of the quantity.
        refuse, random_state : as in `predict_interval` and `sample`.

        Raises
        ------
        NotFittedError : `fit` and `calibrate` were not both called.
        ValueError : bad rows; what ``fn`` returns is no finite number or vector.
        """
        self._check_calibrated()
        z = critical_value(level)
        check_count("samples", samples)
        systems = self._systems(X)
        functions = functions_of(fn, len(systems))
        rng = generator(random_state)
        found = [
            self._propagate(
                one, rows, samples, rng, vectorised=vectorised, backend=backend, number=number
            )
            for number, (one, rows) in enumerate(zip(functions, systems, strict=True))
        ]
        if len({value.shape for value, _ in found}) > 1:
            raise ValueError("The function returns vectors of different lengths for the systems.")
        value = np.stack([one for one, _ in found])
        deviation = np.stack([drawn - one for one, drawn in found])
        std = np.sqrt((deviation**2).mean(axis=1))
        if scale is None:
            effective = self.effective_size_
            # With Student's quantile: the scale is as uncertain as few cases make it.
            half = std * (t_critical_value(z, effective) if effective > 1 else z)
        else:
            effective = float(scale.systems)
            half = scale.half_width(std, level)
            std, deviation = std * scale.scale, deviation * scale.scale
        refused, reasons = nothing_refused(len(systems))
        if refuse:
            bound = self.threshold_ if scale is None else scale.threshold
            outside = np.array([self._scores(rows).mean() > bound for rows in systems])
            refused, reasons = refusals(outside, effective, level, "system")
        return Derived(
            value,
            std,
            half,
            value[:, None] + deviation,
            level,
            refused,
            reasons,
            0 if scale is None else scale.systems,
            effective,
            unit,
        )

    def calibrate_derived(
        self,
        fn: Function | Sequence[Function],
        systems: Sequence[Any],
        truths: npt.ArrayLike,
        *,
        samples: int = 200,
        vectorised: bool = False,
        backend: Backend = "numpy",
        random_state: RandomState = None,
    ) -> DerivedScale:
        """How many times the propagated spread intervals need, from systems whose result is known
        and that `fit` has not seen.

        The intervals of `propagate` with this scale then cover the result of a further system like
        these at their level, whatever the errors' distribution.

        Parameters
        ----------
        fn, samples, vectorised, backend, random_state : as in `propagate`.
        systems : the rows of each system.
        truths : shape (systems,) or (systems, quantities).

        Raises
        ------
        NotFittedError, ValueError : as `propagate`; another number of truths than of systems.
        """
        found = self.propagate(
            fn, list(systems), samples=samples, vectorised=vectorised, backend=backend,
            refuse=False, random_state=random_state,
        )  # fmt: skip
        known = np.asarray(truths, dtype=np.float64)
        known = known.reshape(len(known), -1) if known.ndim else known
        if known.shape != found.value.shape:
            raise ValueError(
                f"'truths' has shape {np.shape(truths)}, and the function gives shape "
                f"{found.value.shape} for these systems."
            )
        if not np.isfinite(known).all():
            raise ValueError("'truths' has NaN or infinity.")
        scores = np.array([self._scores(rows).mean() for rows in self._systems(list(systems))])
        bound = threshold(scores, self.domain_level)
        return DerivedScale.of(known - found.value, found.std, bound)

    def _deviations(self, factors: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Errors of functions, shape (n, rows, outputs)."""
        rank = factors.shape[1]
        if factors.shape[2] == 1:
            # Outputs vary alike, with correlations that the residuals have shown.
            half = np.linalg.cholesky(self.correlation_)
            normal = rng.standard_normal((n, rank, self._outputs)) @ half.T
            drawn = factors[:, :, 0] @ normal
        else:
            normal = rng.standard_normal((n, rank))
            drawn = np.einsum("xro,nr->nxo", factors, normal, optimize=True)
        return np.asarray(drawn * self.functions_.scale)

    def _propagate(
        self,
        fn: Function,
        X: Floats,
        samples: int,
        rng: np.random.Generator,
        *,
        vectorised: bool,
        backend: Backend,
        number: int,
    ) -> tuple[Floats, Floats]:
        """The function of the mean, shape (quantities,), and of draws, (samples, quantities)."""
        mean, factors = self._mean_of(X), self._factors_of(X)

        def result(predictions: Floats) -> Floats:
            given = predictions[..., 0] if self._single else predictions
            return through(
                fn, given, vectorised=vectorised, backend=backend, where=f"system {number}"
            )

        step = max(1, _DRAWN // mean.size)
        drawn = [
            result(mean + self._deviations(factors, min(step, samples - at), rng))
            for at in range(0, samples, step)
        ]
        return result(mean[None])[0], np.concatenate(drawn)
