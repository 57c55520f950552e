"""The plot of many models' possible places."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evidesk.evidence import style
from evidesk.evidence.plot import ACCENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW_HEIGHT = 0.26  # inches


def rank_plot(
    sets: Mapping[str, tuple[int, int]],
    numbers: Sequence[str],
    runs: Sequence[tuple[int, int]],
    xlabel: str,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw one row per model, the first on top: its places as a bar, its number at the right.

    Parameters
    ----------
    sets : the best and the worst place of each model, in the observed order.
    numbers : what to print beside each.
    runs : first and last row of those to join by a line at the left.
    """
    count = len(sets)
    with style():
        if ax is None:
            from matplotlib import pyplot as plt

            size = (7.2, 1.1 + _ROW_HEIGHT * max(count, 4))
            ax = plt.subplots(figsize=size, layout="constrained")[1]
        for row, (low, high) in enumerate(sets.values()):
            ax.barh(row, high - low + 0.7, left=low - 0.35, height=0.55, color=ACCENT, alpha=0.35)
            ax.plot(row + 1, row, "o", color=ACCENT, markersize=5 if count <= 25 else 3.5)
            ax.annotate(
                numbers[row],
                (1.0, row),
                (8, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize="small",
                annotation_clip=False,
            )
        # Runs that overlap stand side by side.
        step = 0.02 * (count + 1)
        ends: list[int] = []
        for first, last in runs:
            lane = next((i for i, end in enumerate(ends) if end < first), len(ends))
            ends[lane : lane + 1] = [last]
            if last > first:
                x = 0.4 - step * (lane + 1)
                ax.plot((x, x), (first - 0.2, last + 0.2), color="#374151", linewidth=2)
        ax.set_xlim(0.4 - step * (len(ends) + 1), count + 0.6)
        ax.set_ylim(count - 0.4, -0.6)
        ax.set_yticks(range(count), list(sets), parse_math=False)
        every = -(-count // 20)
        ax.set_xticks([1, *range(2 * every if every > 1 else 2, count + 1, every)])
        ax.tick_params(axis="y", length=0, labelsize="medium" if count <= 25 else "small")
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(xlabel)
    return ax
