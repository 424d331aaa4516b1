"""Words of a timeline stand on no others, however close their marks lie, and none is left out."""

from __future__ import annotations

import io
import re
from itertools import combinations

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from triage_kit import plot, schemas
from triage_kit.plot import style

AT = pd.Timestamp("2025-10-07T20:27:38Z")
CLOSE = [0, 1, 2, 3, 5, 8, 9, 10, 40, 41, 43, 300, 301, 305, 3000, 3005, 3010, 3011, 3500, 3600]


def drawn(apart: float, losses: int = 3) -> Axes:
    """Events of four kinds as close as that, seconds; losses among the last of them, noticed right after."""
    moments = [AT + pd.Timedelta(seconds=apart * each) for each in CLOSE]
    kinds = ("statement", "checkpoint", "server", "vacuum")
    events = [{"at": at, "kind": kinds[n % 3 if n % 5 else 3], "text": f"{n}"} for n, at in enumerate(moments)]
    groups = [{"group": f"G{n}", "lost_from": moments[-n], "lost_to": moments[-n], "committed_at": moments[-n]}
              for n in range(1, losses + 1)]  # fmt: skip
    return plot.timeline(schemas.frame("timeline", events), schemas.frame("groups", groups), noticed_at=moments[-1])


def overlaps(ax: Axes) -> list[tuple[str, str]]:
    with style.styled():
        FigureCanvasAgg(ax.figure).print_png(io.BytesIO())
        boxes = [(each.get_text(), each.get_window_extent()) for each in ax.texts]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


@pytest.mark.parametrize("apart", [0.0001, 0.01, 1, 60, 86400])
@pytest.mark.parametrize("losses", [1, 3, 12])
def test_no_words_stand_on_others(apart: float, losses: int) -> None:
    assert overlaps(drawn(apart, losses)) == []


@pytest.mark.parametrize("apart", [0.0001, 1, 86400])
def test_every_event_is_told_of(apart: float) -> None:
    words = [each.get_text() for each in drawn(apart).texts]
    told = 0
    for each in words:
        if counted := re.fullmatch(r"(\d+) events", each):
            told += int(counted[1])
        elif span := re.fullmatch(r"(\d+)-(\d+)", each):
            told += int(span[2]) - int(span[1]) + 1
        elif re.fullmatch(r"\d+(, \d+)*", each):
            told += len(each.split(", "))
    assert told == len(CLOSE)


def test_losses_of_one_place_share_their_words() -> None:
    words = [each.get_text() for each in drawn(0.0001, 12).texts if each.get_text().startswith("rows lost")]
    assert sum(int(more[1]) + 1 if (more := re.search(r"and (\d+) more", each)) else each.count("G")
               for each in words) == 12  # fmt: skip
