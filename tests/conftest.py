"""What all tests share: required components, and the gates on coverage."""

import json
import os
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# Continuous integration judges a commit by the same examples each time; whoever works on evidesk
# meets new ones in every run.
settings.register_profile("judge", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("judge" if os.environ.get("EVIDESK_REQUIRE_ALL") else "explore")

#: Where every line and branch has to be covered; everywhere else more than 90 %.
FULLY_COVERED = (
    "src/evidesk/evidence/",
    "src/evidesk/methods/",
    "/actions.py",
    "/rules.py",
    "/workflow.py",
)
ELSEWHERE = 90.0


@pytest.fixture(autouse=True)
def close_figures() -> Generator[None]:
    """Matplotlib keeps what is not closed, for the next test to find."""
    yield
    if plots := sys.modules.get("matplotlib.pyplot"):
        plots.close("all")


@pytest.fixture(scope="session")
def cluster() -> Generator[str]:
    """The address of a Dask scheduler with two workers, which are processes of their own."""
    import distributed

    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        silence_logs=50,
    ) as cluster:
        yield cluster.scheduler_address


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--gates", action="store_true", help="Fail if coverage is below its gates.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must be there, a test that skips has failed, however it skipped."""
    report = yield
    # What is expected to fail is reported as skipped, too.
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("EVIDESK_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped although EVIDESK_REQUIRE_ALL=1: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.getoption("--gates") or hasattr(session.config, "workerinput"):
        return
    session.config.stash[_below] = below = _below_the_gates()
    if below and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_below = pytest.StashKey[list[str]]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if below := config.stash.get(_below, []):
        terminalreporter.section("coverage below its gates", red=True)
        for line in below:
            terminalreporter.line(line)


def _below_the_gates() -> list[str]:
    """A line for each file, or for the rest together, that is not covered as it should be."""
    import coverage

    report = Path(tempfile.mkdtemp()) / "coverage.json"
    measured = coverage.Coverage()
    measured.load()
    measured.json_report(outfile=str(report))
    below, covered, wanted = [], 0, 0
    for name, file in json.loads(report.read_text())["files"].items():
        summary = file["summary"]
        if any(part in name for part in FULLY_COVERED):
            if summary["percent_covered"] < 100:
                lines = ", ".join(map(str, file["missing_lines"]))
                branches = ", ".join(f"{a}->{b}" for a, b in file["missing_branches"])
                below.append(f"{name}: {summary['percent_covered']:.1f} %  {lines}  {branches}")
        else:
            covered += summary["covered_lines"] + summary["covered_branches"]
            wanted += summary["num_statements"] + summary["num_branches"]
    if wanted and 100 * covered / wanted <= ELSEWHERE:
        below.append(f"everything else: {100 * covered / wanted:.1f} %, needs {ELSEWHERE} %")
    return below
