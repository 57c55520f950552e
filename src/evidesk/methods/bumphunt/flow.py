"""A conditional normalising flow of the features, learnt on the sidebands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import special, stats
from sklearn.base import BaseEstimator

from evidesk.methods.bumphunt.templates import TemplateSample, check_fit, drawn
from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]


class FlowTemplate(BaseEstimator):  # type: ignore[misc]
    """A neural spline flow of the features given the resonant variable.

    Needs PyTorch and zuko (``pip install evidesk[torch]``). Features enter as normal scores, so
    that one with an end keeps it. Sources: Durkan, Bekasov, Murray and Papamakarios, "Neural spline
    flows", NeurIPS 32 (2019); Hallin, Isaacson, Kasieczka, Krause, Nachman, Quadfasel, Schlaffer,
    Shih and Sommerhalder, "Classifying anomalies through outer density estimation", Physical Review
    D 106 (2022) 055006, for the flow fitted on sidebands and sampled in the signal region.

    Parameters
    ----------
    epochs, batch_size, learning_rate : of the training (Adam).
    transforms, hidden : of the flow, and of the networks that make its splines.
    random_state : of the training.
    """

    def __init__(
        self,
        epochs: int = 10,
        batch_size: int = 1024,
        learning_rate: float = 2e-3,
        transforms: int = 3,
        hidden: tuple[int, ...] = (64, 64),
        random_state: RandomState = None,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.transforms = transforms
        self.hidden = hidden
        self.random_state = random_state

    def fit(self, m: npt.ArrayLike, x: npt.ArrayLike) -> Self:
        """Train the flow, on this machine's processor: the same result for the same seed.

        Raises
        ------
        ImportError : PyTorch or zuko are missing.
        ValueError : as all templates do.
        """
        torch, zuko = _libraries()
        mass, rows = check_fit(m, x)
        rng = generator(self.random_state)
        self.centre_, self.scale_ = float(mass.mean()), float(mass.std()) or 1.0
        self.events_, self.sorted_ = len(rows), np.sort(rows, axis=0)
        self.scores_ = _normal_quantiles(len(rows))
        normal = special.ndtri((stats.rankdata(rows, axis=0) - 0.5) / len(rows))
        with _seeded(torch, rng):
            self.flow_ = zuko.flows.NSF(
                rows.shape[1], 1, transforms=self.transforms, hidden_features=self.hidden
            )
            optimiser = torch.optim.Adam(self.flow_.parameters(), lr=self.learning_rate)
            features = torch.as_tensor(normal, dtype=torch.float32)
            context = self._context(torch, mass)
            for _ in range(self.epochs):
                for rows_of_batch in torch.randperm(len(features)).split(self.batch_size):
                    loss = -self.flow_(context[rows_of_batch]).log_prob(features[rows_of_batch])
                    optimiser.zero_grad()
                    loss.mean().backward()
                    optimiser.step()
        return self

    def sample(self, m: npt.ArrayLike, random_state: RandomState = None) -> TemplateSample:
        """New events at the places ``m``, not made from single sideband events.

        Raises
        ------
        ValueError : more are asked for than there are sideband events.
        """
        torch, _ = _libraries()
        rng = generator(random_state)
        places, _ = drawn(self.events_, m, rng)
        with _seeded(torch, rng), torch.no_grad():
            made = self.flow_(self._context(torch, places)).sample().double().numpy()
        back = [
            np.interp(one, self.scores_, of_feature)
            for one, of_feature in zip(made.T, self.sorted_.T, strict=True)
        ]
        return TemplateSample(np.stack(back, axis=1), None)

    def _context(self, torch: Any, mass: Floats) -> Any:
        unit = (mass - self.centre_) / self.scale_
        return torch.as_tensor(unit[:, None], dtype=torch.float32)


def _normal_quantiles(n: int) -> Floats:
    found: Floats = special.ndtri((np.arange(n) + 0.5) / n)
    return found


@contextmanager
def _seeded(torch: Any, rng: np.random.Generator) -> Iterator[None]:
    """Within it PyTorch draws from a seed of its own; outside, nothing changes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        yield


def _libraries() -> tuple[Any, Any]:
    try:
        import torch
        import zuko
    except ImportError as error:
        raise ImportError(
            "The flow template needs PyTorch and zuko: pip install 'evidesk[torch]'. The "
            "templates 'sideband' and 'morph' need neither."
        ) from error
    return torch, zuko
