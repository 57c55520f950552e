"""How far can this network's prediction be trusted?"""

from evidesk.methods.surrogates.calibration_curve import (
    CalibrationCurve,
    calibration_curve,
    coverage_curve,
)
from evidesk.methods.surrogates.conformal import Conformal
from evidesk.methods.surrogates.conformal_checks import DuplicatedRowsWarning
from evidesk.methods.surrogates.conformal_result import ConformalIntervals
from evidesk.methods.surrogates.coverage_by import CoverageBy, coverage_by
from evidesk.methods.surrogates.derived import Derived, DerivedScale
from evidesk.methods.surrogates.ensemble import Ensemble
from evidesk.methods.surrogates.gaussian_process import GaussianProcess
from evidesk.methods.surrogates.intervals import Intervals
from evidesk.methods.surrogates.last_layer import LastLayer
from evidesk.methods.surrogates.leaks import LeakWarning
from evidesk.methods.surrogates.network import Network
from evidesk.methods.surrogates.onnx_network import onnx_network
from evidesk.methods.surrogates.prediction_scores import (
    PredictionScores,
    SubsetScores,
    score_predictions,
)
from evidesk.methods.surrogates.scores import (
    coverage,
    crps,
    error_correlation,
    interval_score,
    mean_width,
    nll,
    ood_auroc,
    sharpness,
)
from evidesk.methods.surrogates.sparsification import Sparsification, sparsification
from evidesk.methods.surrogates.spread_error import SpreadErrors, spread_against_error
from evidesk.methods.surrogates.surrogate import Surrogate

__all__ = [
    "CalibrationCurve",
    "Conformal",
    "ConformalIntervals",
    "CoverageBy",
    "Derived",
    "DerivedScale",
    "DuplicatedRowsWarning",
    "Ensemble",
    "GaussianProcess",
    "Intervals",
    "LastLayer",
    "LeakWarning",
    "Network",
    "PredictionScores",
    "Sparsification",
    "SpreadErrors",
    "SubsetScores",
    "Surrogate",
    "calibration_curve",
    "coverage",
    "coverage_by",
    "coverage_curve",
    "crps",
    "error_correlation",
    "interval_score",
    "mean_width",
    "nll",
    "onnx_network",
    "ood_auroc",
    "score_predictions",
    "sharpness",
    "sparsification",
    "spread_against_error",
]
