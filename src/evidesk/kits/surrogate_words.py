"""What the kit ``surrogate`` says in words: its answer, findings and warnings."""

from collections.abc import Iterator

from evidesk.evidence import Estimate, Finding, Verdict
from evidesk.kits.surrogate_parameters import SurrogateParameters
from evidesk.kits.surrogate_trust import Trust, outside_shares
from evidesk.kits.wording import percent, shown

#: Intervals are trusted whose coverage is known to be no farther than this below their level.
_NEAR = 0.05


def answer(parameters: SurrogateParameters, found: Trust) -> str:
    """How often each test's intervals hold the truth."""
    covered = {
        name: one.coverage for name, one in found.scores.subsets.items() if one.coverage is not None
    }
    if not covered:
        return "Nothing can be said: no test row has an interval."
    told = ", ".join(_told(name, one, parameters.level) for name, one in covered.items())
    return f"Nominal {percent(parameters.level)} covers {told}."


def findings(parameters: SurrogateParameters, found: Trust) -> Iterator[Finding]:
    """Of coverage, of rows out of domain, and of totals."""
    level = percent(parameters.level)
    for name, one in found.scores.subsets.items():
        if one.coverage is not None:
            yield Finding(
                f"In {shown(name)}, intervals of {level} hold at least {level} of the truths.",
                one.coverage,
                _verdict(one.coverage, parameters.level),
            )
    for name, share in outside_shares(found).items():
        yield Finding(
            f"{shown(name)} is out of the domain of the training (the number is the share of rows "
            "that are refused).",
            share,
            Verdict.SUPPORTED if share.low > 0.5 else Verdict.UNDECIDED,
        )
    if found.total_scores is not None:
        for name, one in found.total_scores.subsets.items():
            if one.coverage is not None:
                yield Finding(
                    f"In {shown(name)}, intervals of {level} for the {parameters.total} of each "
                    f"system hold at least {level} of the truths.",
                    one.coverage,
                    _verdict(one.coverage, parameters.level),
                )


def warnings(found: Trust) -> Iterator[str]:
    """How rows were parted, and what they were taken for."""
    parts = found.parts
    yield (
        f"{len(parts.training.x):,} rows to learn from, {len(parts.calibration.x):,} to calibrate "
        f"on, {sum(len(one.x) for one in parts.tests):,} to test: parted {parts.how}."
    )
    if found.tried.groups is None:
        yield (
            "Rows were taken for independent of each other. If some belong together, as snapshots "
            "of a trajectory do, name the group: else the error bars are too short."
        )
    if found.kept_not:
        yield found.kept_not


def _verdict(coverage: Estimate, level: float) -> Verdict:
    """Whether as many are covered as the level says: seen, or seen to be too few, or neither."""
    if coverage.high < level:
        return Verdict.REFUTED
    enough = coverage.value >= level and coverage.low > level - _NEAR
    return Verdict.SUPPORTED if enough else Verdict.UNDECIDED


def _told(name: str, coverage: Estimate, level: float) -> str:
    bad = ": not to be trusted there" if coverage.high < level else ""
    return f"{coverage.short} in {shown(name)}{bad}"
