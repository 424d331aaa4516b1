"""The matrix of evidence of each group of tables, and its observations in full."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, narrow, style, words
from triage_kit.plot.html import Html, text
from triage_kit.plot.matrix import QUIET, evidence_matrix, signed

MOST = 300  # lines that a page lists; the rest is counted
MOST_DRAWN = 4  # groups with a matrix of their own


def matrices(weighed: pd.DataFrame, causes: pd.DataFrame, evidence: pd.DataFrame) -> list[style.Picture | Html]:
    """One matrix for each of the first groups, to be shown below each other; what is not drawn is said.

    Parameters
    ----------
    weighed : frame ``cause_evidence``.
    causes, evidence : frames of these names.
    """
    groups = list(schemas.check(weighed, "cause_evidence")["group"].unique())
    if not groups:
        return [html.tag("p", "No loss was found, so nothing was weighed for or against a cause.", class_="none")]
    drawn = [
        style.picture(
            evidence_matrix(weighed, causes, of=group, told=evidence),
            narrow.evidence_matrix(weighed, causes, group, evidence),
        )
        for group in groups[:MOST_DRAWN]
    ]
    left = len(groups) - MOST_DRAWN
    more = f"No matrix is drawn of {style.things(left, 'more group')}: the list of all observations below has them."
    return [*drawn, html.tag("p", more, class_="note")] if left > 0 else drawn


def matrix_lines(weighed: pd.DataFrame, evidence: pd.DataFrame) -> Html:
    """Each observation with what was seen, and the cause that it speaks for and against most; faint ones are left out.

    Parameters
    ----------
    weighed : frame ``cause_evidence``; the figures draw its first groups, this tells of all.
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
    headers = ["Group", "Observation", "What was seen", "Speaks most for", "Speaks most against"]
    table = html.table("Observations that were weighed", headers, rows, most=MOST)
    return html.folded("Every observation in full, of every group", table) if rows else text("")


def _most(row: pd.Series) -> Html:
    cause = words.head("cause", row["cause"])
    return text(f"{cause} ({signed(row['decibans'])})" if abs(row["decibans"]) >= QUIET else "")
