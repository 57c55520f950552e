"""How far can this network's prediction be trusted?"""

from evidesk.methods.surrogates.derived import Derived, DerivedScale
from evidesk.methods.surrogates.ensemble import Ensemble
from evidesk.methods.surrogates.gaussian_process import GaussianProcess
from evidesk.methods.surrogates.intervals import Intervals
from evidesk.methods.surrogates.last_layer import LastLayer
from evidesk.methods.surrogates.leaks import LeakWarning
from evidesk.methods.surrogates.network import Network
from evidesk.methods.surrogates.surrogate import Surrogate

__all__ = [
    "Derived",
    "DerivedScale",
    "Ensemble",
    "GaussianProcess",
    "Intervals",
    "LastLayer",
    "LeakWarning",
    "Network",
    "Surrogate",
]
