"""What the kit ``surrogate`` asks of its user."""

from typing import Literal

from pydantic import Field, model_validator

from evidesk.kits.kit import ColumnName, InputFile, Parameters
from evidesk.kits.wording import Level, shown

_MOST_LAYERS = 10


class SurrogateParameters(Parameters):
    """What the kit needs to know about the data and the network."""

    file: InputFile = Field(
        title="Data",
        description="One row for each case: CSV, TSV, JSON, Parquet, npz, npy, HDF5 or ROOT. If "
        "arrays are named after their part, as train_x, val_x and test_x, give the names of the "
        "training part; the other parts are found.",
    )
    feature: list[ColumnName] = Field(
        min_length=1,
        title="Inputs",
        description="Columns, or whole arrays: (rows, columns), or (systems, points, columns) "
        "where each system has many points that are predicted one by one.",
    )
    target: list[ColumnName] = Field(
        min_length=1,
        title="Outputs",
        description="What is to be predicted: columns, or arrays with as many rows (and points).",
    )
    network: InputFile | None = Field(
        default=None,
        title="Trained network",
        description="An ONNX file with your own network, which ends in a linear layer. Without it, "
        "one is trained here. Files that hold pickled code, as PyTorch's own do, are not read.",
    )
    group: ColumnName | None = Field(
        default=None,
        title="Group",
        description="What makes rows belong together, such as the trajectory of each snapshot: "
        "whole groups are held out, and error bars count groups.",
    )
    part: ColumnName | None = Field(
        default=None,
        title="Part",
        description="A column that says train, calibration or the name of a test set for each row. "
        "Without it, and without such names of arrays, rows are parted at random.",
    )
    head: Literal["last-layer", "ensemble", "gaussian-process", "conformal"] = Field(
        default="last-layer",
        title="Uncertainty by",
        description="last-layer: one network, and how well its last layer knows such inputs. "
        "ensemble: several networks, and how they differ. gaussian-process: no network, below "
        "2,000 rows. conformal: one network and intervals as wide as its past errors.",
    )
    hidden: str = Field(
        default="64 64",
        max_length=100,
        title="Hidden layers",
        description="Their sizes, from the inputs to the outputs, such as 64 64.",
    )
    members: int = Field(default=10, ge=2, le=100, title="Networks", description="Of an ensemble.")
    epochs: int = Field(
        default=400, ge=1, le=100_000, title="Epochs", description="How often training sees a row."
    )
    batch_size: int = Field(
        default=64, ge=1, title="Batch size", description="Rows of one training step."
    )
    learning_rate: float = Field(
        default=3e-3, gt=0, le=1, title="Learning rate", description="Of the first training step."
    )
    total: Literal["none", "sum", "mean"] = Field(
        default="none",
        title="Total of each system",
        description="For systems of several points: also their sum or mean is predicted, with the "
        "errors of its points as they hang together.",
    )
    level: Level = Field(
        default=0.9,
        title="Level",
        description="The share of truths that the intervals are to hold, between 0 and 1.",
    )
    recommend: int = Field(
        default=10,
        ge=0,
        le=1_000,
        title="Rows to compute next",
        description="So many rows of the tests are named that would teach most.",
    )
    random_state: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="With the same seed, a run draws the same numbers.",
    )

    @model_validator(mode="after")
    def _names_fit(self) -> "SurrogateParameters":
        both = sorted(set(self.feature) & set(self.target))
        if both:
            raise ValueError(f"{shown(both[0])} is an input and an output. It can be one of them.")
        sizes = self.hidden.replace(",", " ").split()
        if not all(one.isdecimal() and 1 <= int(one) <= 10_000 for one in sizes):
            raise ValueError("Write the sizes of hidden layers, from 1 to 10,000, such as 64 64.")
        if self.network is not None and self.head != "last-layer":
            raise ValueError("A trained network gets its uncertainty from its last layer.")
        if len(sizes) > _MOST_LAYERS:
            raise ValueError(f"There can be at most {_MOST_LAYERS} hidden layers.")
        return self

    @property
    def layers(self) -> tuple[int, ...]:
        """Sizes of the hidden layers."""
        return tuple(map(int, self.hidden.replace(",", " ").split()))
