"""The heads keep scikit-learn's contract."""

import subprocess
import sys
from contextlib import suppress
from unittest import SkipTest

from sklearn.utils.estimator_checks import parametrize_with_checks

from evidesk.methods.surrogates import Ensemble, GaussianProcess, LastLayer
from tests.methods.surrogates.conftest import small

FEW = {"epochs": 20, "hidden": (8,), "learning_rate": 0.02}
_SINGLE = "networks are in single precision, which rounds by batch: differences up to 1e-6"


@parametrize_with_checks(
    [
        GaussianProcess(),
        Ensemble(small(**FEW), 2, random_state=0),
        LastLayer(small(**FEW)),
    ],
    expected_failed_checks=lambda _one: {"check_methods_subset_invariance": _SINGLE},
)
def test_scikit_learns_own_checks(estimator, check):
    with suppress(SkipTest):  # of arrays that are not NumPy's
        check(estimator)


def test_nothing_imports_pytorch_before_it_is_needed():
    code = "import sys, evidesk.methods.surrogates; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
