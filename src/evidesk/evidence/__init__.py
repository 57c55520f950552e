"""Evidence: estimates, findings, tables and figures with provenance, stored as an RO-Crate."""

from evidesk.evidence.checks import printable
from evidesk.evidence.document import Evidence, Finding, Verdict
from evidesk.evidence.errors import EvidenceError
from evidesk.evidence.estimate import Estimate
from evidesk.evidence.figure import Figure
from evidesk.evidence.file import File
from evidesk.evidence.layout import schema
from evidesk.evidence.plot import forest_plot, style
from evidesk.evidence.provenance import Input, Provenance
from evidesk.evidence.report import report
from evidesk.evidence.table import Column, Table
from evidesk.evidence.terminal import render

__all__ = [
    "Column",
    "Estimate",
    "Evidence",
    "EvidenceError",
    "Figure",
    "File",
    "Finding",
    "Input",
    "Provenance",
    "Table",
    "Verdict",
    "forest_plot",
    "printable",
    "render",
    "report",
    "schema",
    "style",
]
