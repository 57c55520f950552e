"""How good is the model, and how sure are we?"""

from evidesk.methods.metrics.accuracy import Accuracies, accuracies, accuracy
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.average_precision import average_precision
from evidesk.methods.metrics.calibration import expected_calibration_error
from evidesk.methods.metrics.classification import evaluate_labels
from evidesk.methods.metrics.comparison import Comparison, difference
from evidesk.methods.metrics.components import VarianceComponents, variance_components
from evidesk.methods.metrics.confusion import ConfusionMatrix
from evidesk.methods.metrics.curves import (
    PrecisionRecallCurve,
    RocCurve,
    precision_recall_curve,
    roc_curve,
)
from evidesk.methods.metrics.detection import (
    DetectionPrecision,
    evaluate_detections,
    mean_average_precision,
)
from evidesk.methods.metrics.folds import (
    ResampledT,
    SelectedOnTestError,
    check_selection,
    corrected_resampled_t,
    cross_validation_clt,
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
from evidesk.methods.metrics.matching import ImageDetections, match_boxes
from evidesk.methods.metrics.mcnemar import (
    compare_accuracy,
    mcnemar,
    mcnemar_interval,
    mcnemar_p_value,
)
from evidesk.methods.metrics.means import evaluate_means
from evidesk.methods.metrics.multiple import holm, max_t
from evidesk.methods.metrics.overlap import dice, iou, mean_dice, mean_iou, mean_score
from evidesk.methods.metrics.planning import SampleSize, mcnemar_power, sample_size
from evidesk.methods.metrics.probability import brier, log_loss
from evidesk.methods.metrics.proportion import (
    METHODS,
    Method,
    PoorApproximationWarning,
    proportion,
    proportion_interval,
)
from evidesk.methods.metrics.ranks import Ranks, rank
from evidesk.methods.metrics.regression import evaluate_values, mae, mse, r2, rmse, spearman
from evidesk.methods.metrics.reliability import ReliabilityDiagram, reliability_diagram
from evidesk.methods.metrics.residual_moments import ResidualMoments, grouped_estimate
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
    "DetectionPrecision",
    "EstimateScorer",
    "FoldSpread",
    "ImageDetections",
    "Method",
    "PoorApproximationWarning",
    "PrecisionRecallCurve",
    "Ranks",
    "ReliabilityDiagram",
    "ResampledT",
    "ResidualMoments",
    "RocCurve",
    "SampleSize",
    "SelectedOnTestError",
    "VarianceComponents",
    "accuracies",
    "accuracy",
    "auroc",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "check_selection",
    "cohen_kappa",
    "compare",
    "compare_accuracy",
    "corrected_resampled_t",
    "cross_validation_clt",
    "dice",
    "difference",
    "error_rate",
    "evaluate",
    "evaluate_detections",
    "evaluate_labels",
    "evaluate_means",
    "evaluate_scores",
    "evaluate_values",
    "expected_calibration_error",
    "f1",
    "fbeta",
    "fold_spread",
    "grouped_estimate",
    "holm",
    "iou",
    "jaccard",
    "log_loss",
    "mae",
    "make_scorer",
    "match_boxes",
    "max_t",
    "mcc",
    "mcnemar",
    "mcnemar_interval",
    "mcnemar_p_value",
    "mcnemar_power",
    "mean_average_precision",
    "mean_dice",
    "mean_iou",
    "mean_score",
    "mse",
    "precision",
    "precision_recall_curve",
    "proportion",
    "proportion_interval",
    "r2",
    "rank",
    "recall",
    "reliability_diagram",
    "rmse",
    "roc_curve",
    "sample_size",
    "sensitivity",
    "spearman",
    "specificity",
    "spread_plot",
    "top_k_accuracy",
    "top_k_accuracy_from_ranks",
    "variance_components",
]
