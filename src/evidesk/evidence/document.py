"""The document that a run leaves: question, answer, findings, tables, figures, provenance."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from evidesk.evidence.checks import check_most, check_sentence, check_unique
from evidesk.evidence.estimate import Estimate
from evidesk.evidence.figure import Figure
from evidesk.evidence.file import File
from evidesk.evidence.provenance import Provenance
from evidesk.evidence.table import Table

__all__ = ["Evidence", "Finding", "Verdict"]

# More than anyone reads, and little enough that reading it exhausts no machine.
_MOST = {"findings": 200, "tables": 200, "figures": 100, "warnings": 1_000, "files": 20}


class Verdict(StrEnum):
    """What the estimate says about the finding's sentence."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    UNDECIDED = "undecided"

    @property
    def sign(self) -> str:
        """A sign to stand beside the word, for those who scan."""
        return {"supported": "✓", "refuted": "✗", "undecided": "?"}[self.value]


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence that an estimate supports, refutes or leaves undecided.

    Raises
    ------
    ValueError
        If the sentence is empty, the estimate is none, or the verdict is not of the three.
    """

    sentence: str
    estimate: Estimate
    verdict: Verdict = Verdict.SUPPORTED

    def __post_init__(self) -> None:
        check_sentence("a finding's sentence", self.sentence)
        _check_each("a finding's estimate", (self.estimate,), Estimate)
        object.__setattr__(self, "verdict", Verdict(self.verdict))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run found, with all that is needed to trust or to repeat it.

    Parameters
    ----------
    question:
        The question as the scientist would put it.
    answer:
        The answer in one sentence.
    findings:
        What supports the answer; at most 200.
    tables, figures:
        Names are unique among the tables and among the figures; at most 200 and 100.
    warnings:
        What a reader must know before believing the answer, one sentence each; at most 1,000.
    provenance:
        Needed to write the evidence.
    files:
        What programs can go on from; names are unique, at most 20.

    Raises
    ------
    ValueError
        If question or answer is empty or longer than 5,000 characters, a name comes twice, or
        there is too much of something.
    """

    question: str
    answer: str
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
    warnings: tuple[str, ...] = ()
    provenance: Provenance | None = None
    files: tuple[File, ...] = ()

    def __post_init__(self) -> None:
        check_sentence("question", self.question)
        check_sentence("answer", self.answer)
        warnings: object = self.warnings
        if isinstance(warnings, str):  # which would become one warning per letter
            raise ValueError(f"warnings must be several sentences, got {warnings!r}")
        for name in _MOST:
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, most in _MOST.items():
            check_most(name, getattr(self, name), most)
        for warning in self.warnings:
            check_sentence("a warning", warning)
        _check_each("findings", self.findings, Finding)
        _check_each("tables", self.tables, Table)
        _check_each("figures", self.figures, Figure)
        check_unique("names of tables", [table.name for table in self.tables])
        check_unique("names of figures", [figure.name for figure in self.figures])
        _check_each("files", self.files, File)
        check_unique("names of files", [file.name for file in self.files])
        if self.provenance is not None:
            _check_each("provenance", (self.provenance,), Provenance)

    def write(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the evidence as an RO-Crate: a zip if the path ends in ``.zip``, else a folder.

        The crate appears at the path complete or not at all. Equal evidence gives equal bytes.

        Parameters
        ----------
        path:
            Where to write; missing parent folders are made.
        overwrite:
            Whether evidence that is already there may be replaced. Nothing else ever is.

        Returns
        -------
        The path.

        Raises
        ------
        EvidenceError
            If the provenance is missing, something else lies at the path, or the evidence is
            larger than `read` accepts.
        """
        from evidesk.evidence import crate

        return crate.write(self, Path(path), overwrite=overwrite)

    @classmethod
    def read(cls, path: str | Path) -> Evidence:
        """Read evidence from a folder or zip, after every file's digest has been checked.

        Nothing is unpacked to disk.

        Raises
        ------
        EvidenceError
            If the evidence is unreadable, changed, incomplete or hostile; the message names
            the file inside, not the path.
        """
        from evidesk.evidence import reading

        return reading.read(Path(path))


def _check_each(field: str, values: tuple[object, ...], kind: type) -> None:
    for value in values:
        if not isinstance(value, kind):
            raise ValueError(f"{field} must be of type {kind.__name__}, got {value!r}")
