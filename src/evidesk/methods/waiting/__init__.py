"""How long does it take, and how many will come?"""

from evidesk.methods.waiting.forecast import Forecast, gamma_poisson_forecast
from evidesk.methods.waiting.kaplan_meier import KaplanMeier, NotReached, kaplan_meier
from evidesk.methods.waiting.survival_bands import Method

__all__ = [
    "Forecast",
    "KaplanMeier",
    "Method",
    "NotReached",
    "gamma_poisson_forecast",
    "kaplan_meier",
]
