"""How good is the model, and how sure are we?"""

from evidesk.methods.metrics.accuracy import Accuracies, accuracies, accuracy
from evidesk.methods.metrics.classification import evaluate_labels
from evidesk.methods.metrics.proportion import (
    METHODS,
    Method,
    PoorApproximationWarning,
    proportion,
    proportion_interval,
)
from evidesk.methods.metrics.spread import FoldSpread, fold_spread, spread_plot

__all__ = [
    "METHODS",
    "Accuracies",
    "FoldSpread",
    "Method",
    "PoorApproximationWarning",
    "accuracies",
    "accuracy",
    "evaluate_labels",
    "fold_spread",
    "proportion",
    "proportion_interval",
    "spread_plot",
]
