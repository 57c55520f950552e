"""A Gaussian process: hard to beat on few rows, and too slow for many."""

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy import linalg

from evidesk.methods.surrogates.network import scales_of
from evidesk.methods.surrogates.surrogate import Progress, Surrogate

Floats = npt.NDArray[np.float64]

#: Time grows with the cube of the rows, memory with the square.
MOST_ROWS = 2_000
#: Lengths to begin the search with, for each square root of a feature: from one place alone it may
#: end where all is taken for noise.
_FIRST_LENGTHS = (0.5, 2.0)


class GaussianProcess(Surrogate):
    """scikit-learn's Gaussian process regression, with the interface of the other heads.

    A squared-exponential kernel with one length for each feature (or one for all), and white noise;
    inputs and outputs are standardised inside, and the kernel is that of largest marginal
    likelihood. Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006),
    equations 2.23, 2.24 and 5.8.

    Parameters
    ----------
    lengths : ``"each"`` feature has a length of its own, or all have ``"one"``.
    shared, domain_level : as in `Surrogate`.

    Attributes
    ----------
    regressor_ : scikit-learn's regressor, of standardised numbers.
    """

    #: Errors of all rows are drawn at once.
    _batch: ClassVar[int | None] = None

    def __init__(
        self,
        *,
        lengths: str = "one",
        shared: bool = False,
        domain_level: float = 0.99,
    ) -> None:
        self.lengths = lengths
        self.shared = shared
        self.domain_level = domain_level

    def fit(
        self,
        X: Any,
        y: Any,
        groups: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
    ) -> Self:
        """Find the kernel and condition on the rows.

        Parameters
        ----------
        X, y, groups, progress : as in `Surrogate`.

        Raises
        ------
        ValueError : more than 2,000 rows; others as in `Surrogate`.
        """
        if self.lengths not in ("each", "one"):
            raise ValueError(f"The 'lengths' parameter must be each or one. Got {self.lengths!r}.")
        X, y = self._checked(X, y)
        if len(X) > MOST_ROWS:
            raise ValueError(
                f"A Gaussian process of {len(X):,} rows takes too long: its time grows with their "
                f"cube. Take at most {MOST_ROWS:,} rows, or an Ensemble or a LastLayer for all."
            )
        found = []
        for number, length in enumerate(_FIRST_LENGTHS):
            kernel = self._kernel(X.shape[1], length)
            found.append(self._condition(X, y.reshape(len(y), -1), kernel, "fmin_l_bfgs_b"))
            if progress is not None:
                progress((number + 1) / len(_FIRST_LENGTHS))
        self.regressor_: Any = max(found, key=lambda one: one.log_marginal_likelihood_value_)
        return self._learnt(X, y, groups)

    def _kernel(self, features: int, length: float = 1.0) -> Any:
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        lengths = np.full(features if self.lengths == "each" else 1, length * np.sqrt(features))
        return ConstantKernel(10.0, (1e-3, 1e8)) * RBF(lengths, (1e-2, 1e5)) + WhiteKernel(
            1e-4, (1e-9, 10.0)
        )

    def _condition(self, X: Floats, y: Floats, kernel: Any, optimizer: str | None) -> Any:
        """scikit-learn's regressor of these rows, standardised."""
        from sklearn.gaussian_process import GaussianProcessRegressor

        self._data = X, y
        self._x_scale, self._y_scale = scales_of(X, "X"), scales_of(y, "y")
        regressor = GaussianProcessRegressor(kernel, alpha=1e-10, optimizer=optimizer)
        return regressor.fit(self._standard(X), (y - self._y_scale[0]) / self._y_scale[1])

    def _standard(self, X: Floats) -> Floats:
        return np.asarray((X - self._x_scale[0]) / self._x_scale[1])

    def _mean(self, X: Floats) -> Floats:
        found = self.regressor_.predict(self._standard(X)).reshape(len(X), -1)
        return np.asarray(found * self._y_scale[1] + self._y_scale[0])

    def _spread(self, X: Floats) -> Floats:
        """Of the function alone, without the white noise."""
        rows = self._standard(X)
        solved = self._solved(rows)
        variance = self._latent.diag(rows) - np.einsum("ij,ij->j", solved, solved)
        return np.asarray(np.maximum(variance, 0.0))[:, None]

    def _factors(self, X: Floats) -> Floats:
        rows = self._standard(X)
        solved = self._solved(rows)
        values, vectors = np.linalg.eigh(self._latent(rows) - solved.T @ solved)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))[:, :, None]

    @property
    def _latent(self) -> Any:
        """The kernel of the function, without that of the noise."""
        return self.regressor_.kernel_.k1

    def _solved(self, rows: Floats) -> Floats:
        """Shape (training rows, rows); equation 2.24's second term is its square."""
        cross = self._latent(self.regressor_.X_train_, rows)
        return np.asarray(linalg.solve_triangular(self.regressor_.L_, cross, lower=True))

    def _stored(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        X, y = self._data
        return {"X": X, "y": y, "theta": self.regressor_.kernel_.theta}, {}

    def _restore(self, arrays: dict[str, npt.NDArray[Any]], document: dict[str, Any]) -> None:
        kernel = self._kernel(arrays["X"].shape[1]).clone_with_theta(arrays["theta"])
        self.regressor_ = self._condition(arrays["X"], arrays["y"], kernel, None)
