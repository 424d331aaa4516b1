"""The lists behind the figures: foreign keys, events, causes, ways back, things to do, and gaps."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import alike, html, outlook, sources, style, words
from triage_kit.plot.chances import ranked
from triage_kit.plot.damage import names
from triage_kit.plot.html import Html, tag, text
from triage_kit.plot.recovering import numbered_ways
from triage_kit.plot.story import ordered

MOST = 500
MOST_COARSE = 12  # numbers of events that one note lists
MOST_FOLDED = 40  # further ones that a fold tells
MOST_ROOTS = 12  # tables of one statement whose reach is told unfolded
LISTED = re.compile(r'(?:"(?:[^"]|"")*"|[^,"])+')  # one name of a list, quoted or not
ALTERNATIVES = "These are alternatives: they bring the same rows, or some of them, so their numbers do not add up."


def foreign_key_list(foreign_keys: pd.DataFrame) -> Html:
    """Every foreign key with the action that a DELETE of the referenced row takes."""
    given = schemas.check(foreign_keys, "foreign_keys").sort_values(["child", "parent", "name"], kind="stable")
    rows = [
        [
            html.name(row.child),
            html.name(row.parent),
            ", ".join(row.columns),
            _action(row.on_delete),
            html.name(row.name),
            "" if pd.isna(row.validated) or row.validated else "not validated",
            html.ids([row.evidence]),
        ]
        for row in given.itertuples(index=False)
    ]
    return html.table(
        "Foreign keys",
        ["Table", "References", "Columns", "ON DELETE", "Constraint", "Remark", "Evidence"],
        rows,
        most=MOST,
        elsewhere="the evidence table constraints",
    )


def _action(word: object) -> str:
    return "not known" if pd.isna(word) else str(word).replace("_", " ").upper()


def roots(explaining_statements: pd.DataFrame, findings: pd.DataFrame) -> list[str]:
    """Qualified names that the explaining statements name; without such a statement the damaged tables."""
    named = sorted({root for each in explaining_statements["roots"] for root in each})
    damaged = findings[findings["status"].isin(style.DAMAGED)]
    return named or sorted(names(damaged))


def reach_list(
    roots: Sequence[str],
    by_delete: Sequence[Collection[str]],
    by_truncate: Sequence[Collection[str]],
    findings: pd.DataFrame | None = None,
) -> Html:
    """How far DELETE and how far TRUNCATE … CASCADE reach from each root.

    Parameters
    ----------
    roots : qualified names.
    by_delete, by_truncate : for each root the tables that a DELETE on it, or TRUNCATE … CASCADE, can empty.
    findings : frame of that name; when given, only what may have happened is told: the reach of TRUNCATE where a
        damaged table was truncated, that of DELETE where rows were deleted or truncated.
    """
    suspected = words.LED_ON
    if findings is not None:
        suspected = words.LED_ON & set(findings.loc[findings["status"].isin(style.DAMAGED), "mechanism"])
        if not suspected:
            return tag("p", "No loss here is put down to DELETE or TRUNCATE, which foreign keys would lead on.",
                       class_="none")  # fmt: skip
    if all(len(reach) <= 1 for reach in (*by_delete, *by_truncate)):
        said = "No foreign key leads on from these tables: a statement on one of them reaches that one alone."
        return tag("p", said, class_="none")
    rows = [
        [
            html.name(root),
            f"{len(deleted):,}",
            html.names(sorted(deleted), 12),
            f"{len(truncated):,}",
            html.names(sorted(truncated), 12),
        ]
        for root, deleted, truncated in zip(roots, by_delete, by_truncate, strict=True)
    ]
    headers = ["Root", "DELETE: tables", "emptied by DELETE", "TRUNCATE: tables", "emptied by TRUNCATE … CASCADE"]
    told = 5 if suspected & {"truncate", "unknown"} else 3
    return html.table("Reach of one statement on each root, the root included", headers[:told],
                      [row[:told] for row in rows], numeric=(1, 3), most=60)  # fmt: skip


def explaining_statements(explaining_statements: pd.DataFrame) -> Html:
    """The statements that would do this damage: what they explain, what else they would reach, their equivalents."""
    given = schemas.check(explaining_statements, "explaining_statements").to_dict("records")
    return (
        html.join([_explanation(row) for row in given])
        if given
        else tag("p", "No single statement is known that explains a loss.", class_="none")
    )


def _explanation(row: dict) -> Html:
    seen = "seen in the evidence" if pd.notna(row["observed"]) and row["observed"] else "inferred, nobody logged it"
    xid = f", transaction {int(row['xid'])}" if pd.notna(row["xid"]) else ""
    told = zip(row["roots"], row["reaches"], strict=False)
    reaches = [_reach(root, line) for root, line in told if not line.rstrip().endswith(":")]
    proof = html.ids([row["evidence"]])
    equivalent = (
        html.folded(
            f"{len(row['equivalent']):,} statements with the same reach", *(html.sql(one) for one in row["equivalent"])
        )
        if row["equivalent"]
        else ""
    )
    return tag(
        "div",
        tag(
            "p",
            tag("strong", f"{row['group']}: "),
            f"{words.reached(row)} ({seen}{xid}). ",
            proof,
        ),
        html.sql(row["text"]),
        html.listed(reaches[:MOST_ROOTS]) if reaches else "",
        _more_roots(reaches[MOST_ROOTS:]) if len(reaches) > MOST_ROOTS else "",
        equivalent,
        class_="explains",
    )


def _more_roots(reaches: Sequence[Html]) -> Html:
    """What further roots reach, folded; beyond a few dozen nobody reads it here, and it makes the page heavy."""
    left = len(reaches) - MOST_FOLDED
    rest = tag("p", f"{left:,} more are in findings.json.", class_="note") if left > 0 else ""
    return html.folded(f"{len(reaches):,} more of these tables", html.listed(reaches[:MOST_FOLDED]), rest)


def _reach(root: str, line: str) -> Html:
    """One root with the tables that a statement on it reaches; hundreds of them fold."""
    reached = [each.strip() for each in LISTED.findall(line.removeprefix(f"{root}: "))]
    return html.join([html.name(root), " leads to ", html.names(reached, 12)])


def event_list(timeline: pd.DataFrame, timezone: object = None) -> Html:
    """Every event by time, with the number that the figure shows; losses, statements and notes are never left out."""
    events = ordered(timeline)
    kept = alike.gathered(events[events["kind"].isin(style.ALWAYS_DRAWN)], ["kind"])
    others = events[~events["kind"].isin(style.ALWAYS_DRAWN)].head(max(MOST - len(kept), 0))
    shown = pd.concat([kept, others.assign(times=1, last=others["at"])]).sort_values("number", kind="stable")
    rows = [
        [
            str(row.number),
            html.lasting(row.at, row.until, timezone),
            text(row.kind),
            html.join([html.folding(row.text), alike.more(row.times)]),
            sources.link(row.source),
            html.ids([row.evidence]),
        ]
        for row in shown.itertuples(index=False)
    ]
    left = len(events) - int(shown["times"].sum())
    note = tag("p", f"{left:,} more events of other kinds are in findings.json.", class_="note") if left else ""
    table = html.table("Events", ["No.", "At", "Kind", "What", "Source", "Evidence"], rows, numeric=(0,))
    return html.join([_whole_seconds(shown), table, note])


def _whole_seconds(events: pd.DataFrame) -> Html:
    """Which events may have come later than they stand: of a whole second, beside others that are told more finely."""
    at = events["at"].dropna()
    seconds, fine = at.dt.floor("s"), at.dt.microsecond > 0
    coarse = events.loc[at.index[~fine & seconds.isin(set(seconds[fine]))], "number"].tolist()
    if not coarse:
        return text("")
    which = ", ".join(map(str, coarse[:MOST_COARSE])) + (" \u2026" if len(coarse) > MOST_COARSE else "")
    said = "is told by the whole second only: it may have come" if len(coarse) == 1 else (
        "are told by the whole second only: each may have come")  # fmt: skip
    return tag("p", f"No. {which} {said} up to a second later than it stands and is drawn.", class_="note")


def statement_list(statements: pd.DataFrame, timezone: object = None) -> Html:
    """Every destructive statement that was seen, with its outcome; the list is never cut.

    Of more than 1,000 those that differ in their values only share a row, which counts them.
    """
    given = schemas.check(statements, "seen_statements").sort_values("at", kind="stable")
    given = alike.gathered(given, ["outcome", "operation", "tables", "user", "application", "client"])
    rows = [
        [
            html.moment(row.at, timezone, fine=True),
            text(style.visible(row.outcome).replace("_", " ")),
            html.join([html.sql(row.text), _repeated(row, timezone)]),
            html.names(row.tables, absent=""),
            html.join(["the first: " if row.times > 1 else "", html.cited(_removed(row.removed))]),
            html.join(
                [html.name(each) for each in (row.user, row.application, row.client) if isinstance(each, str)], ", "
            ),
            html.join([html.ids([row.evidence]), " ", sources.link(row.source)]),
        ]
        for row in given.itertuples(index=False)
    ]
    headers = ["At", "Outcome", "Statement", "Tables", "Removed", "Role, application, address", "Evidence"]
    return html.table("Destructive statements that were seen", headers, rows)


def _removed(words: object) -> str:
    return words if isinstance(words, str) else "not known"


def _repeated(row: object, timezone: object) -> Html:
    """How many more a row tells of, and until when."""
    if row.times < 2:
        return text("")
    until = html.join([", the last at ", html.moment(row.last, timezone)]) if pd.notna(row.last) else ""
    return html.join([alike.more(row.times).removeprefix("; "), until])


def cause_list(causes: pd.DataFrame) -> Html:
    """The causes of each group, ranked, with what speaks for and against each and what would settle it."""
    rows = []
    for row in ranked(causes).to_dict("records"):
        title = html.join([tag("strong", words.cause(row)), f" ({row['cause']})"])
        weighed = [html.ids(row[side]) or "nothing" for side in ("for", "against")]
        rows.append([row["group"], title, style.percent(row["probability"]), *weighed,
                     html.cited(row["would_settle"])])  # fmt: skip
    headers = ["Group", "Cause", "Probability", "For", "Against", "Would settle it"]
    return html.table("Causes, the most probable first", headers, rows, numeric=(2,), most=MOST)


def test_list(next_tests: pd.DataFrame) -> Html:
    """The checks that would tell most for their price, best first."""
    given = schemas.check(next_tests, "next_tests")
    if not len(given):
        return tag("p", "No other check that could still be made here would change what is said above.", class_="none")
    rows = [
        [
            html.cited(row.test),
            html.commands([row.command]),
            "" if pd.isna(row.minutes) else f"{row.minutes:g}",
            text(row.risk),
        ]
        for row in given.itertuples(index=False)
    ]
    return html.table(
        "Checks that would settle what is open, the most telling for their price first",
        ["Check", "Command", "Minutes", "Risk"],
        rows,
        numeric=(2,),
    )


test_list.__test__ = False  # pytest takes names that begin with test for tests


def recovery_list(recovery: pd.DataFrame, timezone: object = None) -> Html:
    """The ways back, feasible ones first: rows, what they do not bring, effort, commands and target."""
    given = schemas.check(recovery, "recovery")
    if given.empty:
        return tag("p", "No way back is needed, or none is known.", class_="none")
    ways = [_way(row, number, timezone) for number, row in enumerate(numbered_ways(given), 1)]
    several = (given["rows"].fillna(0) > 0).sum() > 1
    return html.join(
        [tag("p", ALTERNATIVES) if several else "", *ways, _closed(given[given["feasible"].eq(False).fillna(False)])]
    )


def _closed(ways: pd.DataFrame) -> Html:
    """The ways back that cannot be taken here: why, and what was looked at."""
    rows = [
        [
            tag("strong", words.capital(style.way_back(row["option"]))),
            html.cited(row["why"]),
            html.listed([html.cited(line) for line in row["preconditions"]]) if row["preconditions"] else "",
            html.ids(row["because"]),
        ]
        for row in ways.to_dict("records")
    ]
    return (
        html.table("Not feasible here (\u2716)", ["Way back", "Why not", "Checked", "Evidence"], rows)
        if rows
        else text("")
    )


def _way(row: dict, number: int, timezone: object) -> Html:
    feasible = "not known yet" if pd.isna(row["feasible"]) else "feasible" if row["feasible"] else "not feasible here"
    symbol = "?" if pd.isna(row["feasible"]) else "✔" if row["feasible"] else "✖"
    facts = [
        ("Rows", html.number(row["rows"])),
        ("Tables", html.names(row["tables"], 12)),
        ("Why", html.cited(row["why"])),
        ("Does not bring", html.cited(row["brings_not"])),
        ("Effort", text(row["effort"])),
        ("Target", _target(row, timezone)),
        ("How sure", html.cited(row["margin"])),
        ("Checked", html.listed([html.cited(line) for line in row["preconditions"]]) if row["preconditions"] else ""),
        ("Until when", _until(row, timezone)),
        ("Evidence", html.ids(row["because"])),
    ]
    body = [html.join([tag("dt", word), tag("dd", said)]) for word, said in facts if said]
    return tag(
        "section",
        tag("h3", f"Option {number}: {style.way_back(row['option'])} ({symbol} {feasible})"),
        tag("dl", *body),
        html.commands(row["commands"]),
        class_="way",
    )


def _until(row: dict, timezone: object) -> Html:
    """What ends this way back, and when where that is known."""
    said = [html.cited(row["clock"])] if isinstance(row["clock"], str) and row["clock"] else []
    if pd.notna(row["deadline"]):
        said.append(html.moment(row["deadline"], timezone))
    return html.join(said, ": ")


def _target(row: dict, timezone: object) -> Html:
    parts = [
        f"LSN {style.visible(row['target_lsn'])}" if isinstance(row["target_lsn"], str) else "",
        f"transaction {int(row['target_xid'])}" if pd.notna(row["target_xid"]) else "",
        html.moment(row["target_time"], timezone, fine=True) if pd.notna(row["target_time"]) else "",
    ]
    return html.join([part for part in parts if part], ", ")


def recommendation_list(recommendations: pd.DataFrame, when: str) -> Html:
    """What to do: ``when`` is immediate or prevention."""
    given = schemas.check(recommendations, "recommendations")
    return html.listed(
        (
            html.join(
                [
                    tag("strong", html.prose(row.text)),
                    html.join([": ", html.cited(row.why), ". "]) if isinstance(row.why, str) else " ",
                    html.ids(row.because, most=4),
                ]
            )
            for row in given[given["when"] == when].itertuples(index=False)
        ),
        ordered=True,
    )


def review_list(review: pd.DataFrame) -> Html:
    """Files that somebody should read, with the line and the reason."""
    given = schemas.check(review, "review")
    rows = [
        [
            html.name(row.path),
            "" if pd.isna(row.line) else str(int(row.line)),
            html.cited(row.why),
            html.ids([row.evidence]),
        ]
        for row in given.itertuples(index=False)
    ]
    return html.table("Files to review", ["File", "Line", "Why", "Evidence"], rows, numeric=(1,))


def gap_list(gaps: pd.DataFrame, coverage: pd.DataFrame | None = None) -> Html:
    """What could not be read, why, and what the report cannot say without it; and what nobody named.

    Parameters
    ----------
    gaps, coverage : frames of these names.
    """
    given = schemas.check(gaps, "gaps")
    rows = [
        [
            html.join([html.name(row.source), " (named in case.yaml)" if pd.notna(row.named) and row.named else ""]),
            html.cited(row.reason),
            html.cited(row.costs),
        ]
        for row in given.itertuples(index=False)
    ]
    beside = outlook.not_named(coverage)
    if beside and not rows:
        return tag("p", f"Gaps: every question that was asked has its answer. {beside}".strip(), class_="none")
    table = html.table("Gaps", ["Source", "Why it was not read", "What that costs"], rows)
    return html.join([table, tag("p", beside.strip())]) if beside else table


def coverage_list(coverage: pd.DataFrame, timezone: object = None) -> Html:
    """How much of each source was read and which span it covers."""
    given = schemas.check(coverage, "coverage").to_dict("records")
    rows = [
        [
            html.name(row["source"]),
            html.cited(row["read"]),
            html.between(row["from"], row["to"], timezone) if pd.notna(row["from"]) or pd.notna(row["to"]) else "",
        ]
        for row in given
    ]
    return html.table("What was read", ["Source", "Read", "Span"], rows)
