"""Is there a resonance in the data?"""

from evidesk.methods.bumphunt.closure import Closure, ValidationCheck, check_closure
from evidesk.methods.bumphunt.contrast import Contrast, Tail, contrast
from evidesk.methods.bumphunt.counting import WindowCount, count_window
from evidesk.methods.bumphunt.cross_fitting import CrossFit, cross_fit
from evidesk.methods.bumphunt.ensemble import TreeEnsemble
from evidesk.methods.bumphunt.families import Family, dijet, exponential, of_basis
from evidesk.methods.bumphunt.flow import FlowTemplate
from evidesk.methods.bumphunt.histogram import Spectrum
from evidesk.methods.bumphunt.hunt import BumpHunt
from evidesk.methods.bumphunt.hunt_result import DirectCount, HuntResult, WindowResult
from evidesk.methods.bumphunt.leaks import LeakError, chatterjee_xi, check_features
from evidesk.methods.bumphunt.limits import LimitBand, upper_limits
from evidesk.methods.bumphunt.morph import MorphTemplate
from evidesk.methods.bumphunt.order import OrderStep
from evidesk.methods.bumphunt.pipeline_toys import PipelineToys, run_toys
from evidesk.methods.bumphunt.scan import SpectrumScan, scan_spectrum
from evidesk.methods.bumphunt.sculpting import sculpting
from evidesk.methods.bumphunt.sic import SicCurve, sic_curve
from evidesk.methods.bumphunt.sideband import SidebandTemplate
from evidesk.methods.bumphunt.signal import gaussian
from evidesk.methods.bumphunt.spectrum_fit import SpectrumFit, fit_spectrum
from evidesk.methods.bumphunt.spurious import SpuriousSignal, spurious_signal
from evidesk.methods.bumphunt.templates import Template, TemplateSample
from evidesk.methods.bumphunt.windows import EmptyWindowError, Window, windows_over

__all__ = [
    "BumpHunt",
    "Closure",
    "Contrast",
    "CrossFit",
    "DirectCount",
    "EmptyWindowError",
    "Family",
    "FlowTemplate",
    "HuntResult",
    "LeakError",
    "LimitBand",
    "MorphTemplate",
    "OrderStep",
    "PipelineToys",
    "SicCurve",
    "SidebandTemplate",
    "Spectrum",
    "SpectrumFit",
    "SpectrumScan",
    "SpuriousSignal",
    "Tail",
    "Template",
    "TemplateSample",
    "TreeEnsemble",
    "ValidationCheck",
    "Window",
    "WindowCount",
    "WindowResult",
    "chatterjee_xi",
    "check_closure",
    "check_features",
    "contrast",
    "count_window",
    "cross_fit",
    "dijet",
    "exponential",
    "fit_spectrum",
    "gaussian",
    "of_basis",
    "run_toys",
    "scan_spectrum",
    "sculpting",
    "sic_curve",
    "spurious_signal",
    "upper_limits",
    "windows_over",
]
