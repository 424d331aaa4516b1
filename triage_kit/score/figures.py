"""Records become figures: how often right, how well calibrated, and how sure the intervals are."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from triage_kit.score.views import VIEWS

BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
Z = 1.959964
CELL = ["incident", "major", "view", "level", "damaged", "truth"]


class Share(NamedTuple):
    """A share of ``n`` independent conclusions, with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return "none" if not self.n else f"{self.value:.3f} [{self.low:.2f} {self.high:.2f}] n={self.n}"


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's score interval (95 %) of a share of n trials (E. B. Wilson, JASA 22, 1927).

    >>> tuple(round(end, 3) for end in wilson(1.0, 50))
    (0.929, 1.0)
    """
    if not n:
        return 0.0, 1.0
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def weighted(records: pd.DataFrame) -> pd.DataFrame:
    """The records with ``weight``: the tables of one incident that share a truth are one conclusion, not many.

    A cascade over twelve tables is right or wrong as a whole, and a database of hundred untouched tables must not drown
    the one that lost rows.
    """
    size = records.groupby(CELL, observed=True)["unit"].transform("size")
    return records.assign(weight=1.0 / size)


def share(records: pd.DataFrame, column: str = "right") -> Share:
    """The weighted share of records where the column holds."""
    n = round(float(records["weight"].sum()))
    if not n:
        return Share(math.nan, 0.0, 1.0, 0)
    value = float((records[column] * records["weight"]).sum() / records["weight"].sum())
    return Share(value, *wilson(value, n), n)


def mean(records: pd.DataFrame, column: str) -> float:
    """The weighted mean of a column; NaN without records."""
    total = float(records["weight"].sum())
    return float((records[column] * records["weight"]).sum() / total) if total else math.nan


def summary(records: pd.DataFrame, by: str = "view") -> pd.DataFrame:
    """One row for each view (or major): every figure that the scoreboard prints, as text with n and interval."""
    told = weighted(records)
    keys = [view for view in VIEWS if view in set(told["view"])] if by == "view" else sorted(set(told[by]))
    return pd.DataFrame([{by: str(key), **_row(told[told[by] == key])} for key in [*keys]])


def _row(told: pd.DataFrame) -> dict[str, str]:
    levels = {level: told[told["level"] == level] for level in ("status", "mechanism", "cause")}
    tables, causes = levels["mechanism"], levels["cause"]
    struck, spared = tables[tables["damaged"]], tables[~tables["damaged"]]
    status = levels["status"]
    return {
        "status, struck": str(share(status[status["damaged"]])),
        "status, spared": str(share(status[~status["damaged"]])),
        "mechanism AC@1, struck": str(share(struck)),
        "mechanism AC@1, spared": str(share(spared)),
        "cause AC@1": str(share(causes)),
        "cause AC@3": str(share(causes, "in_three")),
        "Brier mechanism": f"{mean(struck, 'brier'):.3f}",
        "Brier cause": f"{mean(causes, 'brier'):.3f}",
        **errors(told),
        "chain complete": str(share(told, "complete")),
    }


def errors(told: pd.DataFrame) -> dict[str, str]:
    """How often something wrong was said with 0.8 and with 0.95, out of everything that was said."""
    wrong = told[~told["right"]]
    return {
        f"wrong at ≥ {limit}": f"{int((wrong['p'] >= limit).sum())} of {len(told)} "
        f"({100 * wrong.loc[wrong['p'] >= limit, 'weight'].sum() / max(told['weight'].sum(), 1e-9):.1f} %)"
        for limit in (0.8, 0.95)
    }


def reliability(records: pd.DataFrame) -> pd.DataFrame:
    """By level and bin of the probability that was said: its mean, how often it was right, and whether they agree."""
    told = weighted(records)
    told["bin"] = pd.cut(told["p"], BINS, include_lowest=True).astype(str)
    found = []
    for (level, bin_), part in told.groupby(["level", "bin"], observed=True):
        right, said = share(part), mean(part, "p")
        agrees = right.low <= said <= right.high
        found.append({"level": level, "said": bin_, "mean said": f"{said:.3f}", "right": str(right),
                      "within": "yes" if agrees else "no"})  # fmt: skip
    return pd.DataFrame(found, columns=["level", "said", "mean said", "right", "within"])


def worst(records: pd.DataFrame, most: int = 60) -> pd.DataFrame:
    """What was wrong, the surest first: the same mistake on several majors or tables is one row."""
    wrong = records[~records["right"].astype(bool)]
    keys = ["incident", "view", "level", "truth", "said"]
    if wrong.empty:
        return pd.DataFrame(columns=[*keys, "holdout", "p", "majors", "tables", "accepted"])
    found = wrong.groupby(keys, observed=True).agg(
        holdout=("holdout", "first"),
        p=("p", "max"),
        majors=("major", lambda each: " ".join(str(major) for major in sorted(set(each)))),
        tables=("unit", lambda each: ", ".join(sorted(set(each))[:3])),
        accepted=("accepted", "first"),
    )
    return found.reset_index().sort_values("p", ascending=False).head(most)


def markdown(frame: pd.DataFrame) -> str:
    """A table as Markdown."""
    lines = ["| " + " | ".join(map(str, frame.columns)) + " |", "|" + "---|" * len(frame.columns)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in frame.itertuples(index=False)]
    return "\n".join(lines)
