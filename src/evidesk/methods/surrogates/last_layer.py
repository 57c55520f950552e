"""Uncertainty for a network that is trained already, from its last layer.

The last layer is a linear regression on what the layers before it make of the inputs. Where the
training rows hardly ever led to such features, its answer is not held in place, and that is where
it is wrong. Source: Bigi, Chong, Ceriotti and Grasselli, "A prediction rigidity formalism for
low-cost uncertainties in trained neural networks", arXiv:2403.02251, equations 24 and 25.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.utils.validation import validate_data

from evidesk.methods.surrogates.domain import Domain, Moments
from evidesk.methods.surrogates.extra import needs_torch_extra
from evidesk.methods.surrogates.leaks import Seen
from evidesk.methods.surrogates.network import Network
from evidesk.methods.surrogates.noise import fit_noise, negative_log_likelihood
from evidesk.methods.surrogates.surrogate import Path, Progress, Surrogate

if TYPE_CHECKING:
    from torch import nn


Floats = npt.NDArray[np.float64]

#: Regularisations that are tried, in units of the mean square of the features, summed over rows.
_TRIED = 10.0 ** np.arange(-9, 1)
#: Calibration rows that are enough to choose one of them.
_ENOUGH = 4_000
#: Rows that are looked at at a time.
_BATCH = 16_384
#: Training rows up to which one is recognised if it comes again.
_RECOGNISED = 1_000_000


class LastLayer(Surrogate):
    """Prediction rigidity of the last layer, for any PyTorch network that ends in a linear layer.

    It costs one pass over the training rows. With features ``phi`` of the training rows, the
    variance of an error is ``noise + scale**2 * phi' (Phi'Phi + lambda)**-1 phi``.

    Parameters
    ----------
    model : a trained ``torch.nn.Module`` that maps (rows, ...) to (rows, outputs), in the units of
        the data; it is used as it is, where it is. Or a `Network`, which `fit` trains first.
    layer : name of the layer whose output are the features, as in ``module.named_modules()``; by
        default they are what the last linear layer is given.
    regularisation : lambda, in units of the mean diagonal of ``Phi'Phi``; by default the one under
        which the calibration rows are likeliest.
    shared, domain_level : as in `Surrogate`.

    Attributes
    ----------
    module_ : the network.
    gram_ : shape (F, F); ``Phi'Phi`` of the training rows, with a constant feature.
    regularisation_ : the one that is used.
    """

    _allow_nd: ClassVar[bool] = True

    def __init__(
        self,
        model: "nn.Module | Network",
        *,
        layer: str | None = None,
        regularisation: float | None = None,
        shared: bool = False,
        domain_level: float = 0.99,
    ) -> None:
        self.model = model
        self.layer = layer
        self.regularisation = regularisation
        self.shared = shared
        self.domain_level = domain_level

    def fit(
        self,
        X: Any,
        y: Any = None,
        groups: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Look once at all training rows.

        Parameters
        ----------
        X : shape (rows, ...); or, for a trained module, an iterable of batches, such as a
            ``DataLoader``: each is rows, or a tuple that begins with rows. A memory-mapped array is
            read batch by batch, too. The memory needed does not grow with the number of rows.
        y : shape (rows,) or (rows, outputs); a trained module needs none.
        groups : shape (rows,); rows that belong together.
        progress : told the share of the work that is done.
        checkpoint : of the training of a `Network`.

        Raises
        ------
        ValueError : bad rows; the module does not take them, or has no such layer.
        TypeError : the model is neither a module nor a `Network`.
        ImportError : PyTorch is missing.
        """
        self._forget()
        tell = progress or (lambda _share: None)
        trained = self.model
        if isinstance(trained, Network):
            self.network_ = clone(trained).fit(
                X, y, groups, progress=lambda share: tell(0.99 * share), checkpoint=checkpoint
            )
            trained = self.network_.module_
        self._attach(trained)
        if hasattr(X, "__array__") or isinstance(X, list | tuple):
            rows = X if hasattr(X, "shape") else np.asarray(X)
            if len(rows) < 2:
                raise ValueError(f"At least 2 rows are needed, and there is {len(rows)}.")
            self._look_at(rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH))
            self._seen = (
                Seen.of(np.asarray(rows, dtype=np.float64), groups)
                if len(rows) <= _RECOGNISED
                else Seen()
            )
            if y is not None:
                self._targets(y, len(rows))
        else:
            self._look_at(X)
            self._seen = Seen()
        self._single = self._outputs == 1 if y is None else np.asarray(y).ndim == 1
        tell(1.0)
        return self

    def _attach(self, module: "nn.Module") -> None:
        with needs_torch_extra():
            from evidesk.methods.surrogates.features import Tap
        self._tap = Tap(module, self.layer)
        self.module_ = module

    def _look_at(self, batches: Iterable[Any]) -> None:
        """Add up what is needed of the features and the inputs, batch by batch."""
        moments: Moments | None = None
        for batch in batches:
            rows = validate_data(
                self, batch[0] if isinstance(batch, list | tuple) else batch,
                dtype=np.float64, reset=moments is None, allow_nd=True,
            )  # fmt: skip
            features, outputs = self._tap(rows)
            described = rows if rows.ndim == 2 else features
            if moments is None:
                moments = Moments(described.shape[1])
                gram = np.zeros((features.shape[1], features.shape[1]))
            moments.add(described)
            gram += features.T @ features
        if moments is None:
            raise ValueError("There are no rows: the iterable gave no batch.")
        self.gram_, self._outputs = gram, outputs.shape[1]
        self._spectrum = np.linalg.eigh(gram)
        self.domain_ = Domain.of(moments)

    def _mean(self, X: Floats) -> Floats:
        return np.asarray(self._tap(X)[1])

    def _factors(self, X: Floats) -> Floats:
        return np.asarray(self._tap(X)[0] @ self._half)[:, :, None]

    def _describe(self, X: Floats) -> Floats:
        return np.asarray(X if X.ndim == 2 else self._tap(X)[0])

    def _prepare(self, X: Floats, residuals: Floats) -> None:
        if self.regularisation is not None:
            self._regularise(float(self.regularisation))
            return
        some = slice(None, None, max(1, len(X) // _ENOUGH))
        features = self._tap(X[some])[0]
        own = residuals[some]
        losses = []
        for one in _TRIED:
            self._regularise(float(one))
            spread = np.broadcast_to(((features @ self._half) ** 2).sum(axis=1)[:, None], own.shape)
            found = fit_noise(own, spread, shared=self.shared)
            losses.append(negative_log_likelihood(own, found.variance(spread)))
        self._regularise(float(_TRIED[int(np.argmin(losses))]))

    def _regularise(self, relative: float) -> None:
        """Take the square root of ``(Phi'Phi + lambda)**-1``."""
        self.regularisation_ = relative
        values, vectors = self._spectrum
        ridge = relative * max(float(values.mean()), np.finfo(np.float64).tiny)
        self._half = vectors / np.sqrt(np.maximum(values, 0) + ridge)

    def _stored(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        from evidesk.methods.surrogates.stored_modules import arrays_of, digest_of

        arrays = {"gram": self.gram_}
        if isinstance(self.model, Network):
            arrays |= {f"module.{name}": one for name, one in arrays_of(self.module_).items()}
        return arrays, {
            "regularisation": self.regularisation_,
            "digest": digest_of(self.module_),
        }

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        module: "nn.Module | None" = None,
        build: "Callable[[int, int], nn.Module] | None" = None,
    ) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        module : the trained module, where it was not trained here: it is not in the file.
        build : the function of a `Network` that has one.

        Raises
        ------
        ValueError : the file is no last layer's; the module is missing, or another one.
        """
        return cls._load(path, module=module, build=build)

    @classmethod
    def _of_parameters(cls, parameters: dict[str, Any], **parts: Any) -> Self:
        inner = parameters.pop("model", None)
        model = parts["module"] if inner is None else Network(**inner | {"build": parts["build"]})
        return cls(model, **parameters)

    def _restore(self, arrays: dict[str, npt.NDArray[Any]], document: dict[str, Any]) -> None:
        from evidesk.methods.surrogates.stored_modules import digest_of, rebuilt

        module = self.model
        if isinstance(module, Network):
            module = rebuilt(
                module,
                {name[7:]: one for name, one in arrays.items() if name.startswith("module.")},
            )
        elif module is None:
            raise ValueError("The trained module is not in the file: give it as 'module'.")
        self._attach(module)
        if digest_of(module) != document["digest"]:
            raise ValueError("The module is not the one that this last layer was made for.")
        self.gram_ = arrays["gram"]
        self._spectrum = np.linalg.eigh(self.gram_)
        self._regularise(document["regularisation"])
