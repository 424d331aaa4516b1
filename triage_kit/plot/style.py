"""How every figure looks: colours, marks, hatches, and the one way from Axes to bytes.

Colours reach 4.5:1 on white, and none of them stands alone: a status has a symbol and a word, a mechanism a hatch, an
ON DELETE action a line style. Figures stand on a white card so that they read the same on a light and a dark page.
Global state (rcParams, pyplot) is never touched: figures are plain objects, styles are contexts.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from triage_kit.schemas import ways

INK, MUTED, GRID, CARD = "#1b1f24", "#57606a", "#d0d7de", "#ffffff"

# status: colour, symbol; the order is the order of urgency
STATUSES = {
    "wiped": ("#b3261e", "✖"),
    "missing": ("#7a1fa2", "∅"),
    "partial": ("#8a5a00", "◐"),
    "hidden": ("#1f5fa8", "◌"),
    "undecided": ("#57606a", "?"),
    "intact": ("#1b6e3c", "✔"),
}
DAMAGED = ("wiped", "missing", "partial", "hidden")

# ON DELETE: colour, Graphviz line style, pen width, words for the legend
ON_DELETE = {
    "cascade": ("#b3261e", "solid", 2.4, "CASCADE: a DELETE goes on to the child"),
    "set_null": ("#9a5b00", "dashed", 1.6, "SET NULL: the child loses its reference"),
    "set_default": ("#7a1fa2", "dashed", 1.6, "SET DEFAULT: the child changes its reference"),
    "restrict": ("#1b6e3c", "dotted", 1.6, "RESTRICT: a DELETE is refused"),
    "no_action": ("#57606a", "solid", 1.2, "NO ACTION: a DELETE is refused"),
}

# kind of event: marker, colour; the order is the order of the lanes from above
LANES = {
    "loss": ("X", "#b3261e"),
    "statement": ("D", "#8c1d18"),
    "error": ("P", "#8a5a00"),
    "migration": ("s", "#7a1fa2"),
    "checkpoint": ("|", "#1f5fa8"),
    "vacuum": ("v", "#00677d"),
    "session": ("o", "#57606a"),
    "commit": ("^", "#1b6e3c"),
    "server": ("h", "#3d4a57"),
    "note": ("*", "#9a3d00"),
}
# never merged with neighbours, whatever the number of events
ALWAYS_DRAWN = ("loss", "statement", "note")

PALETTE = ("#b3261e", "#1f5fa8", "#8a5a00", "#1b6e3c", "#7a1fa2", "#00677d", "#57606a", "#9a3d00")
# Lines only: a hatch of dots or rings is 150 to 300 kB of curves in each figure that holds one.
HATCHES = ("", "///", "+++", "\\\\\\", "xxx", "|||", "---", "//--")

SETTINGS = {
    "text.parse_math": False,  # a table called $x$ is a name, not a formula
    "axes.formatter.use_mathtext": False,
    "svg.fonttype": "none",  # text stays text: any script, searchable, and smaller than outlines
    "svg.hashsalt": "triage_kit",
    "font.family": ["sans-serif"],
    "font.size": 9.5,
    "figure.facecolor": CARD,
    "axes.facecolor": CARD,
    "savefig.facecolor": CARD,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.7,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside: the kit's settings hold here and nowhere else."""
    with warnings.catch_warnings(), mpl.rc_context(SETTINGS):
        # The font that measures lacks a script; the reader's own font shows it, since text stays text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def axes_for(ax: Axes | None, width: float, height: float) -> Axes:
    """The given Axes, or those of a new figure (inches) that pyplot does not know."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot() if ax is None else ax


def describe(ax: Axes, text: str) -> Axes:
    """Attach the alternative text that ``picture`` hands to readers who do not see the figure."""
    ax.figure.set_label(text)
    return ax


def visible(text: object) -> str:
    """The text with control characters and direction overrides spelt out, so that a name cannot disguise itself.

    >>> visible("a\\nb")
    'a\\\\nb'
    """
    return "".join(
        _spelt(each) if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") else each for each in str(text)
    )


def _spelt(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def short(text: object, most: int = 44) -> str:
    """The text on one line, its middle left out when it is longer than ``most`` characters, between words if it can.

    >>> short("abcdefghij", 5), short("one two three four five six", 18)
    ('ab…ij', 'one two … five six')
    """
    line = visible(text)
    if len(line) <= most:
        return line
    left = most // 2
    start = len(line) - (most - left - 1)
    before = line.rfind(" ", left // 2, left + 1)
    after = line.find(" ", start - 1, (start + len(line)) // 2)
    head = line[:left] if before < 0 else line[: before + 1]
    return f"{head}…{line[start:] if after < 0 else line[after:]}"


def count(number: object, absent: str = "not known") -> str:
    """A whole number with separators; ``absent`` for a missing one.

    >>> count(48000000)
    '48,000,000'
    """
    return absent if pd.isna(number) else f"{int(number):,}"


def about(low: object, high: object) -> str:
    """A number of rows of which only the bounds are known.

    >>> about(150, None), about(0, 1113), about(None, 9), about(0, None)
    ('at least 150', '0 to 1,113', 'at most 9', 'a number not known')
    """
    if pd.isna(low):
        return f"at most {count(high)}" if pd.notna(high) else "a number not known"
    if pd.isna(high):
        return f"at least {count(low)}" if low else "a number not known"
    return f"{count(low)} to {count(high)}"


def things(number: int, noun: str) -> str:
    """A number with its noun.

    >>> things(1, "table"), things(1200, "row")
    ('1 table', '1,200 rows')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def way_back(option: object) -> str:
    """The words for one way back, fit to be shown.

    >>> way_back("pitr")
    'point-in-time recovery'
    """
    return visible(ways.way_back(option))


def percent(probability: object) -> str:
    """A probability in words that do not claim certainty.

    >>> percent(0.98), percent(0.999), percent(0.001)
    ('98 %', 'over 99 %', 'under 1 %')
    """
    if pd.isna(probability):
        return "not known"
    share = float(probability)
    if share > 0.99:
        return "over 99 %"
    return "under 1 %" if share < 0.01 else f"{share:.0%}".replace("%", " %")


NOTHING = "nothing"  # gid of Axes that hold a sentence instead of a figure


@dataclass(frozen=True)
class Picture:
    """One drawn figure as SVG text, with the words that stand for it; shown by Jupyter and by the report."""

    svg: str
    says: str
    narrow: str = ""  # the same for a telephone, as SVG; the page shows it there
    tooltips: bool = False  # a picture with tooltips goes into the page as it is, others as an image
    empty: bool = False  # nothing is drawn: a sentence says so instead of a frame around nothing
    told: bool = False  # no sentence either, for its neighbour says so

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        if self.empty and self.told:
            return {"text/html": "", "text/plain": ""}, {}
        if self.empty:
            return {"text/html": f'<p class="none">{escape(self.says)}</p>', "text/plain": self.says}, {}
        facts = {"alt": self.says, "inline": self.tooltips, **({"narrow": self.narrow} if self.narrow else {})}
        return {"image/svg+xml": self.svg, "text/plain": self.says}, {"image/svg+xml": facts}

    def _repr_svg_(self) -> str | None:
        return None if self.empty else self.svg


def nothing(ax: Axes, said: str) -> Axes:
    """Write on Axes without a figure why there is none; ``picture`` makes a sentence of it."""
    ax.set_axis_off()
    ax.set_title("")
    ax.text(0.5, 0.5, said, ha="center", va="center")
    ax.set_gid(NOTHING)
    return describe(ax, said)


def picture(ax: Axes, narrow: str = "", told: bool = False) -> Picture:
    """The figure of these Axes as SVG; the same figure gives the same bytes.

    Parameters
    ----------
    ax : Axes that a function of ``triage_kit.plot`` returned.
    narrow : the same for a telephone, which a function of ``triage_kit.plot.narrow`` returned.
    told : whether what stands beside it says so where there is no figure, so that it need not say so again.

    Returns
    -------
    Picture, which Jupyter shows as SVG and the report as an image with an alternative text.
    """
    figure = ax.get_figure(root=True)
    with styled():
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    says = "\n".join(map(visible, (figure.get_label() or ax.get_title(loc="left")).split("\n")))
    empty = ax.get_gid() == NOTHING
    return Picture(svg[svg.index("<svg") :], says, narrow, empty=empty, told=told)


def clean_xml(svg: str) -> str:
    """The SVG without XML head, doctype and comments, as it stands inside a page."""
    return re.sub(r"<!--.*?-->\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
