"""How good is the model, and how sure are we?"""

from evidesk.methods.metrics.accuracy import Accuracies, accuracies, accuracy
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.average_precision import average_precision
from evidesk.methods.metrics.calibration import expected_calibration_error
from evidesk.methods.metrics.classification import evaluate_labels
from evidesk.methods.metrics.comparison import Comparison, difference
from evidesk.methods.metrics.confusion import ConfusionMatrix
from evidesk.methods.metrics.curves import (
    PrecisionRecallCurve,
    RocCurve,
    precision_recall_curve,
    roc_curve,
)
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
from evidesk.methods.metrics.probability import brier, log_loss
from evidesk.methods.metrics.proportion import (
    METHODS,
    Method,
    PoorApproximationWarning,
    proportion,
    proportion_interval,
)
from evidesk.methods.metrics.ranks import Ranks, rank
from evidesk.methods.metrics.reliability import ReliabilityDiagram, reliability_diagram
from evidesk.methods.metrics.score_metrics import evaluate_scores
from evidesk.methods.metrics.scores import BinaryScores
from evidesk.methods.metrics.scoring import METRICS, EstimateScorer, compare, evaluate, make_scorer
from evidesk.methods.metrics.spread import FoldSpread, fold_spread, spread_plot

__all__ = [
    "METHODS",
    "METRICS",
    "Accuracies",
    "BinaryScores",
    "Comparison",
    "ConfusionMatrix",
    "EstimateScorer",
    "FoldSpread",
    "Method",
    "PoorApproximationWarning",
    "PrecisionRecallCurve",
    "Ranks",
    "ReliabilityDiagram",
    "RocCurve",
    "accuracies",
    "accuracy",
    "auroc",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "cohen_kappa",
    "compare",
    "compare_accuracy",
    "difference",
    "error_rate",
    "evaluate",
    "evaluate_labels",
    "evaluate_scores",
    "expected_calibration_error",
    "f1",
    "fbeta",
    "fold_spread",
    "holm",
    "jaccard",
    "log_loss",
    "make_scorer",
    "max_t",
    "mcc",
    "mcnemar",
    "mcnemar_interval",
    "mcnemar_p_value",
    "precision",
    "precision_recall_curve",
    "proportion",
    "proportion_interval",
    "rank",
    "recall",
    "reliability_diagram",
    "roc_curve",
    "sensitivity",
    "specificity",
    "spread_plot",
    "top_k_accuracy",
    "top_k_accuracy_from_ranks",
]
