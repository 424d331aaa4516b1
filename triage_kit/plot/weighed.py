"""What the lines of the matrix of evidence stand for, in words, of every group of tables."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style
from triage_kit.plot.chances import QUIET, signed
from triage_kit.plot.html import Html, text

MOST = 300  # lines that a page lists; the rest is counted


def matrix_lines(weighed: pd.DataFrame, evidence: pd.DataFrame) -> Html:
    """Each observation with what was seen, and the cause that it speaks for and against most; faint ones are left out.

    Parameters
    ----------
    weighed : frame ``cause_evidence``; the matrix draws its first group, this tells of all.
    evidence : frame of that name.
    """
    given = schemas.check(weighed, "cause_evidence")
    says = schemas.check(evidence, "evidence").set_index("id")["says"]
    lines = []
    for (group, item), own in given.groupby(["group", "item"], sort=False):
        ranked = own.sort_values("decibans", kind="stable")
        least, most = ranked.iloc[0], ranked.iloc[-1]
        weight = max(abs(least["decibans"]), abs(most["decibans"]))
        if weight >= QUIET:
            seen = html.join([html.cited(says.get(most["evidence"], "")), " ", html.ids([most["evidence"]])])
            lines.append((group, -weight, [group, text(item.replace("_", " ")), seen, _most(most), _most(least)]))
    place = {group: number for number, group in enumerate(given["group"].unique())}
    rows = [cells for _, _, cells in sorted(lines, key=lambda line: (place[line[0]], line[1]))]
    headers = ["Group", "Line of the matrix", "What was seen", "Speaks most for", "Speaks most against"]
    table = html.table("What the lines of the matrix stand for", headers, rows, most=MOST)
    return html.folded("What each line stands for, of every group", table) if rows else text("")


def _most(row: pd.Series) -> Html:
    cause = style.visible(row["cause"]).replace("_", " ")
    return text(f"{cause} ({signed(row['decibans'])})" if abs(row["decibans"]) >= QUIET else "")
