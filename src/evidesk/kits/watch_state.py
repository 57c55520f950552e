"""What a watch leaves for the next batch: the method's state, and what the kit knows beside it."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evidesk.kits.column_kinds import ColumnKind
from evidesk.kits.files import input_of
from evidesk.kits.kit import KitError
from evidesk.kits.wording import shown
from evidesk.methods.shift import ShiftWatch

if TYPE_CHECKING:
    from evidesk.kits.watch import WatchParameters

#: Evidence with a larger state could not be read again.
MOST_STATE_BYTES = 48 * 2**20


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Settings(_Strict):
    """What must stay as it was when the watch was begun."""

    reference: str = Field(pattern="^[0-9a-f]{64}$", description="The file's SHA-256.")
    column: list[str]
    without: list[str] = []
    category: list[str]
    level: float = Field(gt=0, lt=1)
    random_state: int = Field(ge=0)

    @classmethod
    def of(cls, parameters: "WatchParameters") -> "Settings":
        """Those of the parameters that a watch keeps."""
        return cls(
            reference=input_of(parameters.reference).sha256,
            column=parameters.column,
            without=parameters.without,
            category=parameters.category,
            level=parameters.level,
            random_state=parameters.random_state,
        )


class Batch(_Strict):
    """What a batch did to the watch.

    Attributes
    ----------
    sha256 : the file's; None in states of an earlier version.
    first_row, rows : where it lies in the stream.
    bets : how many of its rows were bet on.
    log_wealth : natural logarithm of the e-value after it.
    p_value : any-time valid, after it.
    alarm : the row of the stream that raised the alarm, if it is in this batch.
    """

    name: str = Field(min_length=1, max_length=500)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    first_row: int = Field(ge=1)
    rows: int = Field(ge=1)
    bets: int = Field(ge=0)
    log_wealth: float
    p_value: float = Field(ge=0, le=1)
    alarm: int | None = Field(default=None, ge=1)


class Saved(_Strict):
    """What the kit knows of a watch, beside the method's own state."""

    format: Literal["evidesk.kits.watch"] = "evidesk.kits.watch"
    version: Literal[1] = 1
    settings: Settings
    kinds: dict[str, ColumnKind]
    batches: list[Batch] = []
    reference_left: int = Field(default=0, ge=0)
    warnings: list[str] = []


def saved_text(watch: ShiftWatch, saved: Saved) -> str:
    """The state as JSON, in ASCII; raises :class:`KitError` if it is too large to go on from."""
    saved.reference_left = watch.step.reference_left
    body = {**saved.model_dump(), "watch": watch.state()}
    text = json.dumps({**body, "sha256": _digest(body)}, allow_nan=False)
    if len(text) > MOST_STATE_BYTES:
        raise KitError(
            f"The watch's state takes {len(text) // 2**20} MB, and at most "
            f"{MOST_STATE_BYTES // 2**20} MB can be kept. Begin a new watch with fewer columns, or "
            "fewer rows of the reference."
        )
    return text


def read_saved(text: str) -> Saved:
    """What the kit knows of the watch whose state this is, as :func:`saved_text` wrote it."""
    body = json.loads(text)
    return Saved.model_validate({name: body[name] for name in Saved.model_fields})


def restored(path: Path, settings: Settings) -> tuple[ShiftWatch, Saved]:
    """Go on from the state in the file.

    Raises
    ------
    KitError : it is no state, is damaged, or was begun with other settings.
    """
    name = shown(path.name)
    try:
        if path.stat().st_size > MOST_STATE_BYTES + 2**16:
            raise KitError(f"{name} is too large to be a watch's state.")
        body: Any = json.loads(path.read_text("utf-8"))
        intact = isinstance(body, dict) and body.pop("sha256", None) == _digest(body)
    except (OSError, ValueError, RecursionError):
        intact = False
    if not intact:
        raise KitError(
            f"{name} is no state of a watch, or is damaged: give the file files/state.json of the "
            "evidence of the last time."
        )
    try:
        watch = ShiftWatch.from_state(body.pop("watch", None))
        saved = Saved.model_validate(body)
    except (ValidationError, ValueError) as fault:
        told = "its parts do not fit" if isinstance(fault, ValidationError) else str(fault)
        raise KitError(f"{name} cannot be gone on from: {told}") from fault
    _check_same(settings, saved.settings, name)
    return watch, saved


def _check_same(given: Settings, begun: Settings, name: str) -> None:
    if given.reference != begun.reference:
        raise KitError(
            f"{name} belongs to a watch with another reference. Give the file that it was begun "
            "with, unchanged."
        )
    for option in ("column", "without", "category", "level", "random_state"):
        had, has = getattr(begun, option), getattr(given, option)
        if had != has:
            raise KitError(
                f"{name} was begun with another value of '{option}': {shown(str(had))}, not "
                f"{shown(str(has))}. Give what it was begun with, or begin a new watch."
            )


def _digest(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
