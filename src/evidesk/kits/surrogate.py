"""The kit ``surrogate``: how far can this network's prediction be trusted?"""

import warnings as python_warnings
from pathlib import Path

from evidesk.evidence import Evidence
from evidesk.kits.arrays import ArrayFile
from evidesk.kits.kit import Kit, KitError, Progress
from evidesk.kits.surrogate_figures import First, surrogate_figures, surrogate_tables
from evidesk.kits.surrogate_parameters import SurrogateParameters
from evidesk.kits.surrogate_reading import Wanted, read_parts
from evidesk.kits.surrogate_trust import trust
from evidesk.kits.surrogate_words import answer, findings, warnings
from evidesk.kits.wording import drawing, noted, shown
from evidesk.methods.metrics import PoorApproximationWarning

_QUESTION = "How far can this network's prediction be trusted?"


def run(
    parameters: SurrogateParameters, progress: Progress, checkpoint: Path | None = None
) -> Evidence:
    """How often intervals hold the truth, where they do not, and what to compute next.

    Parameters
    ----------
    checkpoint : folder to note the training in, and to go on from.

    Raises
    ------
    KitError : the data cannot be used, or PyTorch is missing.
    """
    wanted = Wanted(parameters.feature, parameters.target, parameters.group, parameters.part)
    with ArrayFile(parameters.file, progress) as file:
        names = [one for one in (parameters.group, parameters.part) if one is not None]
        file.check([*parameters.feature, *parameters.target, *names])
        parts = read_parts(
            file, wanted, parameters.random_state,
            lambda *_: progress(0.02, f"Reading {shown(parameters.file.name)}"),
        )  # fmt: skip
    told: list[str] = []
    try:
        with noted() as poor, python_warnings.catch_warnings(record=True) as caught:
            python_warnings.simplefilter("always")
            found = trust(parameters, parts, progress, checkpoint)
            claims = tuple(findings(parameters, found))
        progress(0.98, "Drawing figures")
        with drawing(), python_warnings.catch_warnings():
            # Of the bins of a figure; what is said of all of a test's rows is among the warnings.
            python_warnings.simplefilter("ignore", PoorApproximationWarning)
            first = First.of(found)
            tables = surrogate_tables(found, first, parameters.level)
            figures = tuple(surrogate_figures(found, first, parameters.level, tables))
        told = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
    except (ValueError, TypeError, ImportError) as error:
        raise KitError(str(error)) from error
    cautions = (*warnings(found), *found.scores.notes, *told, *poor)
    evidence = Evidence(
        question=_QUESTION,
        answer=answer(parameters, found),
        findings=claims,
        tables=tuple(tables.values()),
        figures=figures,
        warnings=tuple(dict.fromkeys(cautions)),
        files=found.kept,
    )
    progress(1.0, "Done")
    return evidence


kit = Kit(
    name="surrogate",
    title="Trust in a surrogate",
    question=_QUESTION,
    parameters=SurrogateParameters,
    run=run,
    partitioned=True,
    arrays=True,
    resumes=True,
)
