"""How far a long work is, told from within its parts."""

from collections.abc import Callable

#: Told the share of the work that is done; what it raises ends the work.
Progress = Callable[[float], None]


def part_of(progress: Progress | None, low: float, high: float) -> Progress:
    """Progress for a part of the work, that goes from one share of the whole to another."""

    def tell(share: float) -> None:
        if progress is not None:
            progress(low + (high - low) * share)

    return tell
