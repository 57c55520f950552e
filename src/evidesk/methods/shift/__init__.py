"""Do these two samples come from the same distribution, and where do they differ?"""

from evidesk.methods.shift.detector import ShiftDetector
from evidesk.methods.shift.harm import AdverseShift, adverse_shift
from evidesk.methods.shift.localisation import Where, where
from evidesk.methods.shift.methods import METHODS, Method
from evidesk.methods.shift.relabelling import TooFewError
from evidesk.methods.shift.two_sample import TwoSampleResult, two_sample_test
from evidesk.methods.shift.watch import ShiftWatch
from evidesk.methods.shift.watch_result import WatchResult, WatchStep
from evidesk.methods.shift.weighting import ShiftedScore, accuracy_under_shift

__all__ = [
    "METHODS",
    "AdverseShift",
    "Method",
    "ShiftDetector",
    "ShiftWatch",
    "ShiftedScore",
    "TooFewError",
    "TwoSampleResult",
    "WatchResult",
    "WatchStep",
    "Where",
    "accuracy_under_shift",
    "adverse_shift",
    "two_sample_test",
    "where",
]
