"""How good is the model, and how sure are we?"""

from evidesk.methods.metrics.accuracy import Accuracies, accuracies, accuracy
from evidesk.methods.metrics.classification import evaluate_labels
from evidesk.methods.metrics.comparison import Comparison, difference
from evidesk.methods.metrics.confusion import ConfusionMatrix
from evidesk.methods.metrics.label_functions import (
    balanced_accuracy,
    cohen_kappa,
    error_rate,
    f1,
    fbeta,
    jaccard,
    mcc,
    precision,
    recall,
    sensitivity,
    specificity,
    top_k_accuracy,
    top_k_accuracy_from_ranks,
)
from evidesk.methods.metrics.mcnemar import (
    compare_accuracy,
    mcnemar,
    mcnemar_interval,
    mcnemar_p_value,
)
from evidesk.methods.metrics.multiple import holm, max_t
from evidesk.methods.metrics.proportion import (
    METHODS,
    Method,
    PoorApproximationWarning,
    proportion,
    proportion_interval,
)
from evidesk.methods.metrics.ranks import Ranks, rank
from evidesk.methods.metrics.spread import FoldSpread, fold_spread, spread_plot

__all__ = [
    "METHODS",
    "Accuracies",
    "Comparison",
    "ConfusionMatrix",
    "FoldSpread",
    "Method",
    "PoorApproximationWarning",
    "Ranks",
    "accuracies",
    "accuracy",
    "balanced_accuracy",
    "cohen_kappa",
    "compare_accuracy",
    "difference",
    "error_rate",
    "evaluate_labels",
    "f1",
    "fbeta",
    "fold_spread",
    "holm",
    "jaccard",
    "max_t",
    "mcc",
    "mcnemar",
    "mcnemar_interval",
    "mcnemar_p_value",
    "precision",
    "proportion",
    "proportion_interval",
    "rank",
    "recall",
    "sensitivity",
    "specificity",
    "spread_plot",
    "top_k_accuracy",
    "top_k_accuracy_from_ranks",
]
