"""What the kit ``bumphunt`` asks of its user."""

from typing import Literal

from pydantic import Field, model_validator

from evidesk.kits.kit import ColumnName, InputFile, Parameters
from evidesk.kits.wording import Level

_MOST_FEATURES = 100


class BumpHuntParameters(Parameters):
    """What the kit needs to know about the events."""

    file: InputFile = Field(
        title="Events",
        description="One row per event: CSV, TSV, JSON, Parquet, npz, HDF5 or ROOT. Columns of a "
        "matrix in an npz or HDF5 file are x.0, x.1, ..., or have the names that the file gives.",
    )
    resonance: ColumnName = Field(
        title="Resonant variable",
        description="The column in which a resonance makes a bump, such as an invariant mass.",
    )
    feature: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_FEATURES,
        title="Features",
        description="Columns by which a classifier tells signal from background. Without any, the "
        "spectrum is scanned as it is.",
    )
    signal_low: float | None = Field(
        default=None,
        title="Signal region from",
        description="Lower end of the stretch to look into, in the unit of the resonant variable.",
    )
    signal_high: float | None = Field(
        default=None, title="Signal region to", description="Its upper end."
    )
    search_width: float | None = Field(
        default=None,
        gt=0,
        title="Or: search everywhere, in regions of width",
        description="Signal regions of this width, side by side over the whole spectrum.",
    )
    sideband: float | None = Field(
        default=None,
        gt=0,
        title="Width of each sideband",
        description="Beside a signal region, where the background is learnt. By default as wide as "
        "the signal region.",
    )
    range_low: float | None = Field(
        default=None,
        title="Spectrum from",
        description="Events below take no part, such as those that a trigger thins. By default the "
        "smallest value.",
    )
    range_high: float | None = Field(
        default=None, title="Spectrum to", description="By default the largest value."
    )
    bins: int = Field(default=60, ge=10, le=1_000, title="Bins", description="Of the spectrum.")
    resolution: float | None = Field(
        default=None,
        gt=0,
        title="Width of the resonance",
        description="Standard deviation of the peak that is looked for. By default a quarter of a "
        "signal region.",
    )
    collision_energy: float | None = Field(
        default=None,
        gt=0,
        title="Collision energy",
        description="In the unit of the resonant variable: the smooth background is then the dijet "
        "function. Without it, the exponential of a polynomial.",
    )
    template: Literal["auto", "sideband", "morph", "flow"] = Field(
        default="auto",
        title="Background template",
        description="How the features of the background in the signal region are foretold: the "
        "sideband as it is, moved by polynomials in the resonant variable, or by a normalising "
        "flow (needs the extra torch). auto: the sideband, and morph where that fails.",
    )
    efficiency: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        title="Share of the background to keep",
        description="The cut on the classifier keeps this share of the background.",
    )
    folds: int = Field(
        default=5,
        ge=2,
        le=20,
        title="Folds",
        description="No event is scored by a model that has seen it: the models of each fold learn "
        "from the others.",
    )
    label: ColumnName | None = Field(
        default=None,
        title="Truth, in simulated data",
        description="A column that is 1 for signal and 0 for background: it shows what the cut "
        "gains, and is never learnt from.",
    )
    level: Level = Field(
        default=0.95,
        title="Confidence level",
        description="Of intervals and limits; an excess counts if its global p-value is below 1 "
        "less this.",
    )
    toys: int = Field(
        default=10_000,
        ge=100,
        le=1_000_000,
        title="Toys",
        description="Spectra without signal that the scan is compared with.",
    )
    hunts: int = Field(
        default=0,
        ge=0,
        le=10_000,
        title="Whole hunts without signal",
        description="So many times all is done anew in events without signal, training included: "
        "the global p-value then covers learning the cut, too. Each takes as long as the cut of "
        "the hunt itself.",
    )
    random_state: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="With the same seed, a run draws the same numbers.",
    )

    @model_validator(mode="after")
    def _one_place_to_look(self) -> "BumpHuntParameters":
        both = self.signal_low is not None and self.signal_high is not None
        if (self.signal_low is None) != (self.signal_high is None):
            raise ValueError("A signal region needs both ends, 'from' and 'to'.")
        if self.feature and both == (self.search_width is not None):
            raise ValueError(
                "Say where to look: a signal region from and to, or the width of the regions to "
                "search everywhere; one of the two."
            )
        if not self.feature and self.resolution is None and self.search_width is None:
            raise ValueError(
                "Say how wide a resonance is (its standard deviation), or name features and a "
                "signal region."
            )
        if not self.feature and self.hunts:
            raise ValueError("Whole hunts learn a cut: they need features.")
        if self.resonance in self.feature:
            raise ValueError(
                "The resonant variable must not be a feature: a classifier would find every bump "
                "by it."
            )
        if self.label is not None and self.label in (self.resonance, *self.feature):
            raise ValueError("The truth must not be learnt from: it is a column of its own.")
        return self
