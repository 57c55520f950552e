"""An ensemble of networks: where they differ, none of them can be trusted.

Source: Lakshminarayanan, Pritzel and Blundell, "Simple and scalable predictive uncertainty
estimation using deep ensembles", arXiv:1612.01474, with squared losses, and the spread of the
members calibrated as that of any other head.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from evidesk.methods.metrics.resampling import RandomState
from evidesk.methods.surrogates.network import Network, predict_all
from evidesk.methods.surrogates.surrogate import Path, Progress, Surrogate

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float64]


class Ensemble(Surrogate):
    """Networks that differ by their seeds alone.

    Parameters
    ----------
    model : the `Network` to train so often; by default one of two hidden layers of 64. Perceptrons
        train side by side, those with a ``build`` function one after the other.
    members : how many, at least 2.
    n_jobs : processes to train on, as joblib understands it; inside
        ``joblib.parallel_config("dask")`` they are Dask's workers. Perceptrons train side by side
        on each of them, and come out the same up to the rounding of single precision.
    shared, domain_level : as in `Surrogate`.
    random_state : of everything that is random in the training, instead of the network's own.

    Attributes
    ----------
    members_ : the trained modules.
    losses_ : shape (epochs, members); as in `Network`.
    """

    def __init__(
        self,
        model: Network | None = None,
        members: int = 10,
        *,
        n_jobs: int | None = None,
        shared: bool = False,
        domain_level: float = 0.99,
        random_state: RandomState = None,
    ) -> None:
        self.model = model
        self.members = members
        self.n_jobs = n_jobs
        self.shared = shared
        self.domain_level = domain_level
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        groups: npt.ArrayLike | None = None,
        *,
        progress: Progress | None = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Train the members.

        Parameters
        ----------
        X, y, groups : as in `Surrogate`; groups are held out together, if the network stops early.
        progress : told the share of the work that is done; what it raises ends the training.
        checkpoint : file to note the training in, and to go on from where it was interrupted; its
            name is the beginning of several where members do not all train side by side.

        Raises
        ------
        ValueError : as in `Network`; fewer than 2 members.
        ImportError : PyTorch is missing.
        """
        if not isinstance(self.members, int | np.integer) or self.members < 2:
            raise ValueError(
                f"The 'members' parameter must be an integer from 2 on. Got {self.members!r}."
            )
        X, y = self._checked(X, y)
        network = Network() if self.model is None else clone(self.model)
        self.members_: list[nn.Module]
        self.losses_: Floats
        self.members_, self.losses_ = network.train(
            X, y, groups, int(self.members), self.random_state,
            progress=progress, checkpoint=checkpoint, n_jobs=self.n_jobs,
        )  # fmt: skip
        return self._learnt(X, y, groups)

    def _mean(self, X: Floats) -> Floats:
        return np.asarray(predict_all(self.members_, X).mean(axis=0))

    def _factors(self, X: Floats) -> Floats:
        found = predict_all(self.members_, X)
        centred = (found - found.mean(axis=0)) / np.sqrt(len(found) - 1)
        return np.asarray(centred.transpose(1, 0, 2))

    def _stored(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        from evidesk.methods.surrogates.stored_modules import arrays_of

        return {
            f"{number}.{name}": one
            for number, module in enumerate(self.members_)
            for name, one in arrays_of(module).items()
        }, {}

    @classmethod
    def load(cls, path: Path, *, build: "Callable[[int, int], nn.Module] | None" = None) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        build : the function of a `Network` that has one.

        Raises
        ------
        ValueError : the file is no ensemble's, or ``build`` makes other networks.
        """
        return cls._load(path, build=build)

    @classmethod
    def _of_parameters(cls, parameters: dict[str, Any], **parts: Any) -> Self:
        inner = parameters.pop("model", None) or {}
        return cls(Network(**inner | {"build": parts["build"]}), **parameters)

    def _restore(self, arrays: dict[str, npt.NDArray[Any]], document: dict[str, Any]) -> None:
        from evidesk.methods.surrogates.stored_modules import rebuilt

        network = Network() if self.model is None else self.model
        self.members_ = []
        for number in range(self.members):
            start = f"{number}."
            own = {
                name[len(start) :]: one for name, one in arrays.items() if name.startswith(start)
            }
            self.members_.append(rebuilt(network, own))
