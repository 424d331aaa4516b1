"""Every evidence row with its source, the target of every link; and which of very many a page holds."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import alike, html, sources, style
from triage_kit.plot.damage import by_urgency, names
from triage_kit.plot.html import Html, tag, text

MOST = 2000
MOST_CITED = 500  # rows of one frame whose claims are followed
MOST_PROOFS = 2  # evidence rows that a line of the table list names unfolded
MOST_ALIKE = 200  # rows of one kind and one wording that go before those of the tables
# Frames of an investigation whose rows stand on a page, and their columns of evidence ids.
CITING = {
    **dict.fromkeys(("freeze", "decisions", "recovery", "recommendations", "next_steps"), ("because",)),
    "causes": ("for", "against"),
    **dict.fromkeys(("explaining_statements", "culprits", "cause_evidence", "review", "undone_loads"), ("evidence",)),
}


def cited(found: SimpleNamespace) -> set[str]:
    """Ids of the evidence rows that the page's own claims name: what did it, who, what to stop, the ways back.

    Parameters
    ----------
    found : anything with the frames of an investigation; those that are not there cite nothing.
    """
    named: set[str] = set()
    for name, columns in CITING.items():
        frame = getattr(found, name, None)
        for column in columns if frame is not None else ():
            for told in frame[column].head(MOST_CITED).dropna():
                named |= {told} if isinstance(told, str) else set(told)
    return named


def evidence_list(
    evidence: pd.DataFrame,
    timezone: object = None,
    findings: pd.DataFrame | None = None,
    kept: Collection[str] = (),
) -> Html:
    """Every evidence row with its source: the target of every link.

    Parameters
    ----------
    evidence : frame of that name.
    timezone : shown beside UTC.
    findings : frame of that name; where a page cannot hold every row, those of damaged tables go first, the worst
        before the others, and of each the two that its line of the table list names.
    kept : ids that ``cited`` tells: these stand in the list whatever else does.
    """
    whole = schemas.check(evidence, "evidence")
    given = whole if len(whole) <= MOST else _telling(whole, findings, kept)
    rows = [
        [
            tag("strong", row.id),
            text(row.group),
            html.moment(row.at, timezone, fine=True) if pd.notna(row.at) else "",
            html.folding(row.says),
            sources.link(row.source),
            html.name(row.row),
        ]
        for row in given.itertuples(index=False)
    ]
    left = len(whole) - len(given)
    note = tag("p", f"{left:,} more rows are in findings.json.", class_="note") if left else ""
    headers = ["Id", "Kind", "At", "Says", "Source", "Row"]
    return html.join([html.table("Evidence", headers, rows, row_ids=given["id"].tolist()), note])


def _telling(evidence: pd.DataFrame, findings: pd.DataFrame | None, kept: Collection[str] = ()) -> pd.DataFrame:
    """As many rows as a page holds: first what is cited, then causes, events and ways back, then each table in turn.

    Of hundreds of tables each has a dozen rows that say the same; what is said once must not be cut for them.
    """
    if findings is None:
        of_table = evidence["row"].map(evidence["row"].value_counts()).fillna(1) >= 5
        of_table &= ~evidence["row"].fillna("").str.fullmatch(r"G\d+")  # what a whole loss rests on
        of_table &= ~evidence["id"].isin(kept)
        return evidence.loc[sorted(of_table.sort_values(kind="stable").index[:MOST])]
    urgent = by_urgency(schemas.check(findings, "findings"))
    place = {name: number for number, name in enumerate(names(urgent))}
    hurt = set(names(urgent[urgent["status"].isin(style.DAMAGED)]))
    first = {one for told in urgent["because"] for one in told[:MOST_PROOFS]}
    # A hundred thousand statements that differ in their values alone must not push out what a loss rests on.
    more = evidence.groupby(["group", evidence["says"].fillna("").map(alike.shape)]).cumcount() >= MOST_ALIKE
    ranked_ = pd.DataFrame(
        {
            "step": [-1 if one in kept else (4 if again else 0) if row not in place else 3 if row not in hurt
                     else 1 if one in first else 2
                     for one, row, again in zip(evidence["id"], evidence["row"], more, strict=True)],
            "place": evidence["row"].map(place).fillna(0),
        },
        index=evidence.index,
    ).sort_values(["step", "place"], kind="stable")  # fmt: skip
    most = max(MOST, int((ranked_["step"] < 0).sum()))
    return evidence.loc[sorted(ranked_.index[:most])]
