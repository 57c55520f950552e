"""A network for tables: layer sizes, or any module of one's own, trained with care."""

import os
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.metrics.units import members_of
from evidesk.methods.surrogates.extra import needs_torch_extra

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]


class Network(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A neural network that predicts numbers from numbers.

    Inputs and outputs are standardised inside. The loss is the squared error, the optimiser Adam
    with a learning rate that goes down by a cosine. On a processor the same seed gives the same
    network, bit by bit.

    Parameters
    ----------
    hidden : sizes of the hidden layers.
    activation : ``silu``, ``tanh`` or ``relu``, between the layers.
    build : function ``(features, outputs) -> torch.nn.Module``, for a network of one's own instead
        of these layers. It is called once for each network, with PyTorch's seed set.
    epochs, batch_size, learning_rate, weight_decay : of the training.
    patience : stop after so many epochs without a better loss on held-out rows, and keep the best;
        None trains for all epochs on all rows.
    validation_fraction : share of the rows (or groups) that is held out, if ``patience`` is given.
    device : ``auto`` is a GPU if there is one, where training uses mixed precision.
    random_state : of the first weights, the order of the rows and the held-out ones.

    Attributes
    ----------
    module_ : the trained module; it takes and gives numbers in the units of the data.
    losses_ : shape (epochs,); mean squared error of each epoch in standardised units, of held-out
        rows if there are some.
    n_features_in_ : number of features.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64, 64),
        *,
        activation: str = "silu",
        build: "Callable[[int, int], nn.Module] | None" = None,
        epochs: int = 400,
        batch_size: int = 64,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        device: str = "auto",
        random_state: RandomState = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.build = build
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.device = device
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        groups: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> "Network":
        """Train the network.

        Parameters
        ----------
        X, y : shapes (rows, features) and (rows,) or (rows, outputs).
        groups : shape (rows,); rows of one group are held out together.
        progress : told the share of the work that is done; what it raises ends the training.
        checkpoint : file to note the training in, and to go on from where it was interrupted.

        Raises
        ------
        ValueError : bad rows or parameters; the loss became infinite; the checkpoint is of another
            training.
        ImportError : PyTorch is missing.
        """
        X, y = validate_data(
            self, X, y, dtype=np.float64, y_numeric=True, multi_output=True, ensure_min_samples=2
        )
        modules, losses = self.train(
            X, y, groups, 1, self.random_state, progress=progress, checkpoint=checkpoint
        )
        self.module_, self.losses_ = modules[0], losses[:, 0]
        self._single = y.ndim == 1
        return self

    def predict(self, X: Any) -> Floats:
        """Shape (rows,) or (rows, outputs), as ``y`` was.

        Raises
        ------
        NotFittedError : there is no network yet.
        ValueError : bad rows.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        found = predict_all([self.module_], X)[0]
        return np.asarray(found[:, 0] if self._single else found)

    def train(
        self,
        X: Floats,
        y: Floats,
        groups: npt.ArrayLike | None,
        members: int,
        random_state: RandomState,
        *,
        progress: Progress | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        n_jobs: int | None = None,
    ) -> "tuple[list[nn.Module], Floats]":
        """So many networks of checked rows, which differ by their seeds alone, and their losses.

        Perceptrons train side by side as one batch of matrices, modules of one's own one after the
        other; both on as many processes as ``n_jobs`` says, as joblib understands it.
        """
        self._check()
        targets = y.reshape(len(y), -1)
        scales = scales_of(X, "X"), scales_of(targets, "y")
        rng = generator(random_state)
        seeds = [int(one) for one in rng.integers(2**62, size=members)]
        held = self._held_out(len(X), groups, rng)
        with needs_torch_extra():
            from evidesk.methods.surrogates import members as torch_members
        return torch_members.train_members(
            self,
            (X, targets),
            scales,
            held,
            seeds,
            progress=progress or (lambda _share: None),
            checkpoint=checkpoint,
            n_jobs=n_jobs,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def sizes(self, features: int, outputs: int) -> tuple[int, ...]:
        """Of all layers, with the first and the last."""
        return (features, *(int(one) for one in self.hidden), outputs)

    def _check(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < least:
                raise ValueError(
                    f"The '{name}' parameter must be an integer from {least} on. Got {value!r}."
                )
        if self.patience is not None and not self.patience >= 1:
            raise ValueError(f"The 'patience' parameter must be 1 or more. Got {self.patience!r}.")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                "The 'validation_fraction' parameter must lie between 0 and 1. Got "
                f"{self.validation_fraction!r}."
            )
        if not self.learning_rate > 0 or not self.weight_decay >= 0:
            raise ValueError(
                "The 'learning_rate' parameter must be above 0, and 'weight_decay' at least 0. Got "
                f"{self.learning_rate!r} and {self.weight_decay!r}."
            )
        if self.build is None and any(one < 1 for one in self.hidden):
            raise ValueError(f"The 'hidden' layers must have sizes above 0. Got {self.hidden!r}.")

    def _held_out(
        self, rows: int, groups: npt.ArrayLike | None, rng: np.random.Generator
    ) -> npt.NDArray[np.bool_]:
        """Which rows are there to stop by: whole groups."""
        unit = np.arange(rows) if groups is None else members_of(groups, rows)
        if self.patience is None:
            return np.zeros(rows, dtype=bool)
        count = int(unit.max()) + 1
        wanted = max(1, round(self.validation_fraction * count))
        if wanted >= count:
            raise ValueError(
                f"No {'group' if groups is not None else 'row'} is left to learn from: "
                f"'validation_fraction' holds out {wanted} of {count}."
            )
        return np.isin(unit, rng.permutation(count)[:wanted])


def predict_all(modules: "Sequence[nn.Module]", X: Floats, batch: int = 65_536) -> Floats:
    """Predictions of each module, shape (modules, rows, outputs)."""
    from evidesk.methods.surrogates.members import predict

    parts = [predict(modules, X[at : at + batch]) for at in range(0, len(X), batch)]
    return np.concatenate(parts, axis=1)


def scales_of(values: Floats, name: str) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column; 1 for a constant one.

    Raises
    ------
    ValueError : all columns of ``y`` are constant.
    """
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    constant = deviation <= 1e-12 * np.maximum(np.abs(mean), np.finfo(np.float64).tiny)
    if name == "y" and constant.any():
        if constant.all():
            raise ValueError(
                f"'y' is constant ({mean[0]:g} in all {len(values)} rows): there is nothing to "
                "learn."
            )
        warnings.warn(
            f"{constant.sum()} of {len(constant)} outputs are constant; of these there is nothing "
            "to learn.",
            UserWarning,
            stacklevel=4,
        )
    return mean, np.where(constant, 1.0, deviation)
