"""What a desk answers: plain dictionaries, with the types of their keys."""

from typing import Any, Literal, TypedDict

Json = dict[str, Any]


class VoucherRow(TypedDict):
    """A voucher in a list. Moments are in ISO 8601, as everywhere."""

    reference: str
    title: str
    state: str
    kind: str | None
    unit: str
    author: str
    consultant: str | None
    created_at: str
    changed_at: str


class Voucher(VoucherRow):
    """A voucher; `possible` are the steps that the token's owner could take now."""

    answers: dict[str, str]
    offered_to: str | None
    submitted_at: str | None
    ended_at: str | None
    starts_on: str | None
    days: int | None
    ends_on: str | None
    report: str
    rating: int | None
    feedback: str
    tags: list[str]
    possible: list[str]


class Question(TypedDict):
    """A question of a voucher's document, with its answer."""

    key: str
    prompt: str
    help: str
    answer: str


class Document(TypedDict):
    """A voucher's document; its `revision` is sent back with a change."""

    revision: int
    title: str
    kind: str | None
    unit: str
    questions: list[Question]


class Moved(TypedDict):
    """Where a voucher stands after a step."""

    reference: str
    state: str


class Event(TypedDict):
    """An entry of a voucher's timeline."""

    id: int
    at: str
    actor: str | None
    kind: str
    text: str
    data: Json


class File(TypedDict):
    """A file of a voucher."""

    id: int
    name: str
    size: int
    sha256: str
    uploaded_at: str
    uploader: str


class Inquiry(TypedDict):
    """First contact; whoever knows its key may read it."""

    key: str
    subject: str
    text: str
    created_at: str
    status: Literal["open", "answered", "voucher"]
    answer: str
    answered_by: str | None
    answered_at: str | None
    voucher: str | None


class Week(TypedDict):
    """A consultant's week in hours; `here` is booked for the voucher, `elsewhere` for others."""

    monday: str
    available: float
    booked: float
    here: float
    elsewhere: float
    free: float
    reason: str


class Effort(TypedDict):
    """The hours of a voucher: its consultant's weeks, and what is booked in all."""

    weeks: list[Week]
    total: float


class Run(TypedDict):
    """A run of a kit; `evidence` is the id of what it left."""

    id: int
    voucher: str
    kit: str
    file: int
    parameters: Json
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    done: float
    message: str
    seconds_left: float | None
    fault: str
    created_at: str
    started_at: str | None
    ended_at: str | None
    can_go_on: bool
    evidence: int | None


class Watch(TypedDict):
    """A watch; the numbers are those after the last batch that was taken."""

    id: int
    voucher: str
    name: str
    reference: int
    parameters: Json
    state: Literal["starting", "watching", "alarm", "stopped", "failed"]
    fault: str
    begun_at: str
    stopped_at: str | None
    batches: int
    waiting: int
    rows: int
    log10_e: float
    p_value: float
    reference_left: int
    alarm: int | None
    alarm_at: str | None
    warnings: list[str]


class Batch(TypedDict):
    """A batch of a watch; `fault` says why it was refused."""

    id: int
    name: str
    size: int
    sha256: str
    uploaded_at: str
    uploader: str
    state: Literal["waiting", "taken", "refused"]
    fault: str
    number: int | None
    first_row: int | None
    rows: int | None
    log10_e: float | None
    p_value: float | None
    alarm: int | None


class Stored(TypedDict):
    """Evidence that the desk keeps; `url` is its page."""

    id: int
    kit: str
    question: str
    answer: str
    sha256: str
    size: int
    added_at: str
    url: str
