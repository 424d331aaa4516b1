"""The first screen and the lists of it: what is gone, how sure, what to stop now, what can come back."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style
from triage_kit.plot.damage import by_urgency
from triage_kit.plot.html import Html, tag, text

MOST_TABLES = 500


def summary(
    findings: pd.DataFrame,
    groups: pd.DataFrame,
    causes: pd.DataFrame,
    recovery: pd.DataFrame,
    incident: Mapping[str, object],
    explaining: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
) -> Html:
    """What a reader must know at once: the loss, what did it, when, who, the way back, and what was not seen.

    Parameters
    ----------
    findings, groups, causes, recovery, gaps : frames of these names.
    incident : the case's own words (title, noticed_at, timezone, practice …).
    explaining : frame explaining_statements.
    """
    zone = incident.get("timezone")
    checked = schemas.check(findings, "findings")
    lines = [_loss(checked)]
    for group in schemas.check(groups, "groups").itertuples():
        lines.append(_what(group, checked, explaining))
        lines += _group(group, schemas.check(causes, "causes"), zone)
    if not len(groups):
        lines += [_cause(one) for one in _best(schemas.check(causes, "causes"))]
    lines.append(_way_back(schemas.check(recovery, "recovery")))
    if gaps is not None and len(gaps):
        lines.append(
            text(f"Not seen: {_listed([style.visible(one) for one in gaps['source']])}; Gaps and provenance says why.")
        )
    if pd.notna(incident.get("noticed_at")):
        lines.append(html.join(["Noticed at ", html.moment(incident["noticed_at"], zone), "."]))
    return tag("div", *(tag("p", line) for line in lines), class_="summary")


def _loss(findings: pd.DataFrame) -> Html:
    leaves = findings[findings["kind"] != "partitioned"]
    damaged = by_urgency(leaves[leaves["status"].isin(style.DAMAGED)])
    counts = leaves["status"].value_counts()
    rest = ", ".join(f"{counts[one]:,} {one}" for one in ("undecided", "intact") if one in counts) or "no other table"
    if damaged.empty:
        return html.join([tag("strong", "No table is known to have lost rows"), f" ({rest})."])
    known = int(damaged["missing_rows"].fillna(0).sum())
    open_ = int(damaged["missing_rows"].isna().sum())
    more = f" and a number not known in {open_:,} of them" if open_ else ""
    words = [tag("strong", f"{_are(len(damaged), 'table')} damaged, {_are(known, 'row')} missing{more}: ")]
    parts = [
        html.join([html.name(schemas.qualified(row.schema, row.table)), f" ({_gone(row)})"])
        for row in damaged.itertuples()
    ]
    words.append(_some(parts, 8))
    return html.join([*words, f". The others: {rest}."])


def _are(number: int, noun: str) -> str:
    return f"{style.things(number, noun)} {'is' if number == 1 else 'are'}"


def _gone(row: object) -> str:
    missing = (
        f"{style.things(int(row.missing_rows), 'row')} missing" if pd.notna(row.missing_rows) else "number not known"
    )
    return f"{row.status}, {missing}"


def _some(parts: list[Html], most: int) -> Html:
    if len(parts) <= most + 1:
        return html.join(parts, ", ")
    return html.join([html.join(parts[:most], ", "), f" and {len(parts) - most:,} more"])


def _what(group: object, findings: pd.DataFrame, explaining: pd.DataFrame | None) -> Html:
    """The statement that explains the group, or else the mechanism, and how sure that is."""
    mine = findings[findings["group"] == group.group]
    roots = mine[mine["via"].isna()] if mine["via"].isna().any() else mine
    sure = f"{style.percent(roots['probability'].min())}" if len(roots) else "not known"
    mechanism = str(roots["mechanism"].mode().iloc[0]).replace("_", " ") if len(roots) else "unknown"
    told = explaining[explaining["group"] == group.group] if explaining is not None else []
    if not len(told):
        return html.join(["What did it: ", tag("strong", mechanism), f" ({sure})."])
    first = told.iloc[0]
    origin = "seen in the log or counters" if first["observed"] else "inferred from the catalogue, nobody logged it"
    reach = f"explains {first['explained']} of {first['of']} tables, {first['extra']} extra"
    return html.join(
        ["What did it: ", tag("code", style.visible(first["text"])), f" ({origin}; {mechanism} {sure}; {reach})."]
    )


def _listed(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _group(group: object, causes: pd.DataFrame, zone: object) -> list[Html]:
    when = (
        html.join(["at ", html.moment(group.committed_at, zone)])
        if pd.notna(group.committed_at)
        else html.between(group.lost_from, group.lost_to, zone)
    )
    by = f"one transaction ({int(group.xid)}) changed" if pd.notna(group.xid) else "the same hand or window joins"
    dated = f", dated by {style.visible(group.dated_by)}" if isinstance(group.dated_by, str) and group.dated_by else ""
    told = html.join(
        [tag("strong", f"{group.group}: "), f"{by} {style.things(len(group.tables), 'table')} ", when, dated, "."]
    )
    return [told, *(_cause(one) for one in _best(causes[causes["group"] == group.group]))]


def _best(causes: pd.DataFrame) -> list[dict]:
    ranked = causes.sort_values("probability", ascending=False, kind="stable")
    return ranked.drop_duplicates("group").to_dict("records")


def _cause(cause: dict) -> Html:
    proof = html.ids(cause["for"])
    return html.join(
        [
            "Who, most probably: ",
            tag("strong", cause_title(cause)),
            f" ({style.percent(cause['probability'])})",
            html.join([", because of ", proof]) if proof else "",
            ".",
        ]
    )


def cause_title(cause: Mapping[str, object]) -> str:
    """The title of a cause, or its word when it has none."""
    title = cause["title"]
    return title if isinstance(title, str) and title else str(cause["cause"]).replace("_", " ")


def _way_back(recovery: pd.DataFrame) -> Html:
    feasible = recovery[recovery["feasible"].fillna(False).astype(bool)]
    if len(feasible):
        best = feasible.sort_values("rows", ascending=False, kind="stable", na_position="last").iloc[0]
        rows = f" ({style.count(best['rows'])} rows)" if pd.notna(best["rows"]) else ""
        return html.join(["It can come back: ", tag("strong", style.way_back(best["option"])), rows, ". ", best["why"]])
    if recovery["feasible"].isna().any():
        unknown = ", ".join(style.way_back(one) for one in recovery.loc[recovery["feasible"].isna(), "option"])
        return text(f"Whether it can come back is not known yet; to be checked: {unknown}.")
    return text("No way back is known from this evidence." if len(recovery) else "No way back is needed or known.")


def freeze_list(freeze: pd.DataFrame, timezone: object = None) -> Html:
    """What to stop now, in order: why, what the step itself destroys, the command, and until when it helps."""
    given = schemas.check(freeze, "freeze").sort_values("order", kind="stable")
    steps = html.listed((_step(row, timezone) for row in given.to_dict("records")), ordered=True)
    return tag("div", steps, class_="freeze")


def _step(row: dict, timezone: object) -> Html:
    destroys = row["destroys"] if isinstance(row["destroys"], str) else "not known"
    look = None if destroys.startswith("nothing") else "destroys"
    before = html.join([" Before ", html.moment(row["deadline"], timezone), "."]) if pd.notna(row["deadline"]) else ""
    return html.join(
        [
            tag("strong", row["action"]),
            html.join([": ", html.cited(row["why"])]) if isinstance(row["why"], str) else "",
            ". ",
            tag(
                "span",
                "What this step itself destroys: ",
                html.cited(destroys),
                ".",
                class_=look,
            ),
            before,
            html.sql(row["command"]),
        ]
    )


def table_list(findings: pd.DataFrame) -> Html:
    """The tables with their counters: expected rows, actual rows, inserts, deletes, status, mechanism and its evidence.

    Damaged tables first; beyond 500 rows the intact ones are counted instead of listed.
    """
    given = by_urgency(schemas.check(findings, "findings"))
    rows = [
        [
            html.join(
                [
                    html.name(schemas.qualified(row.schema, row.table)),
                    " (reported)" if pd.notna(row.reported) and row.reported else "",
                    f" {row.kind}" if row.kind != "table" else "",
                ]
            ),
            _expected(row),
            html.number(row.actual_rows),
            html.number(row.missing_rows),
            html.number(row.inserts),
            html.number(row.deletes),
            html.status(row.status),
            _mechanism(row),
            text(row.group),
            html.ids(row.because, most=2),
        ]
        for row in given.itertuples()
    ]
    headers = [
        "Table",
        "Expected rows",
        "Actual rows",
        "Missing",
        "Inserts",
        "Deletes",
        "Status",
        "What happened",
        "Group",
        "Because",
    ]
    return html.table("Tables in scope", headers, rows, numeric=(1, 2, 3, 4, 5), most=MOST_TABLES)


def _expected(row: object) -> Html:
    origin = f" from {style.visible(row.expected_from).replace('_', ' ')}" if isinstance(row.expected_from, str) else ""
    if pd.notna(row.expected_rows):
        sum_ = ""
        if row.expected_from == "counters" and pd.notna(row.inserts) and pd.notna(row.deletes) and row.deletes:
            sum_ = (
                f" ({style.count(row.inserts)} \u2212 {style.count(row.deletes)})"
                if row.inserts - row.deletes == row.expected_rows
                else ""
            )
        return tag("span", style.count(row.expected_rows), tag("small", sum_), title=f"expected{origin}")
    if pd.isna(row.expected_low) and pd.isna(row.expected_high):
        return html.number(None)
    return text(f"{style.count(row.expected_low, '?')} to {style.count(row.expected_high, '?')}")


def _mechanism(row: object) -> Html:
    if not isinstance(row.mechanism, str):
        return text("")
    via = html.join([" through ", html.name(row.via)]) if isinstance(row.via, str) and row.via else ""
    lost = html.join(["; columns lost: ", html.names(row.columns_lost)]) if row.columns_lost else ""
    hidden = f"; {style.count(row.hidden_rows)} rows hidden" if pd.notna(row.hidden_rows) and row.hidden_rows else ""
    left = (
        f"; {style.count(row.old_rows_left)} old rows left"
        if row.status == "partial" and pd.notna(row.old_rows_left)
        else ""
    )
    bias = html.folded("what makes the numbers lie", html.listed(row.bias)) if row.bias else ""
    return html.join(
        [row.mechanism.replace("_", " "), f" ({style.percent(row.probability)})", via, lost, hidden, left, bias]
    )
