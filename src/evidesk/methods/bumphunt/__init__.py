"""Is there a resonance in the data?"""

from evidesk.methods.bumphunt.counting import WindowCount, count_window
from evidesk.methods.bumphunt.families import Family, dijet, exponential, of_basis
from evidesk.methods.bumphunt.histogram import Spectrum
from evidesk.methods.bumphunt.limits import LimitBand, upper_limits
from evidesk.methods.bumphunt.order import OrderStep
from evidesk.methods.bumphunt.scan import SpectrumScan, scan_spectrum
from evidesk.methods.bumphunt.signal import gaussian
from evidesk.methods.bumphunt.spectrum_fit import SpectrumFit, fit_spectrum
from evidesk.methods.bumphunt.spurious import SpuriousSignal, spurious_signal

__all__ = [
    "Family",
    "LimitBand",
    "OrderStep",
    "Spectrum",
    "SpectrumFit",
    "SpectrumScan",
    "SpuriousSignal",
    "WindowCount",
    "count_window",
    "dijet",
    "exponential",
    "fit_spectrum",
    "gaussian",
    "of_basis",
    "scan_spectrum",
    "spurious_signal",
    "upper_limits",
]
