"""Do these two samples come from the same distribution, and where do they differ?"""

from evidesk.methods.shift.methods import METHODS, Method
from evidesk.methods.shift.relabelling import TooFewError
from evidesk.methods.shift.two_sample import TwoSampleResult, two_sample_test

__all__ = ["METHODS", "Method", "TooFewError", "TwoSampleResult", "two_sample_test"]
