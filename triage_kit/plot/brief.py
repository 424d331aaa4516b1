"""The first screen in words: what is gone, what did it, since when, the way back, what to stop, who decides what."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style, words
from triage_kit.plot.damage import by_urgency
from triage_kit.plot.html import Html, tag, text

MOST_GROUPS = 3
MOST_GAPS = 3
# Sources that tell most of a loss, the most telling first: a reader misses these before any other.
TELLING = ("logs", "statements", "wal", "commit_times", "migrations", "row_counts", "table_counters", "relations")
MOST_PROOFS = 4
SETTLED = 0.5  # below it the most probable cause is less likely than all others together
SURE = 0.95  # a second cause below the first is named unless the first is as sure as this


def first_screen(found: SimpleNamespace) -> Html:
    """``summary`` of everything that an investigation found.

    Parameters
    ----------
    found : anything with the frames and the mapping that ``summary`` takes as attributes.
    """
    return summary(
        found.findings,
        found.groups,
        found.causes,
        found.recovery,
        found.incident,
        found.explaining_statements,
        found.gaps,
        found.freeze,
        found.decisions,
        found.mechanism_probabilities,
    )


def summary(
    findings: pd.DataFrame,
    groups: pd.DataFrame,
    causes: pd.DataFrame,
    recovery: pd.DataFrame,
    incident: Mapping[str, object],
    explaining: pd.DataFrame | None = None,
    gaps: pd.DataFrame | None = None,
    freeze: pd.DataFrame | None = None,
    decisions: pd.DataFrame | None = None,
    chances: pd.DataFrame | None = None,
) -> Html:
    """What a reader must know at once; ``glance`` is the picture to it, and the sections below prove each line.

    Parameters
    ----------
    findings, groups, causes, recovery, gaps, freeze, decisions : frames of these names.
    incident : the case's own words (title, noticed_at, timezone, practice …).
    explaining : frame explaining_statements.
    chances : frame mechanism_probabilities, so that the second candidate is named beside the first.
    """
    zone = incident.get("timezone")
    checked = schemas.check(findings, "findings")
    told = schemas.check(groups, "groups")
    ranked = schemas.check(causes, "causes")
    lines: list[tuple[str, object]] = []
    for group in told.head(MOST_GROUPS).itertuples():
        many = f" ({group.group})" if len(told) > 1 else ""
        lines += [
            (f"What did it{many}", _what(group, checked, explaining, chances)),
            (f"Who{many}", _who(ranked[ranked["group"] == group.group])),
            (f"Since when{many}", _when(group, incident.get("noticed_at") if group.Index == 0 else None, zone)),
        ]
    if len(told) > MOST_GROUPS:
        lines.append(("More losses", f"{len(told) - MOST_GROUPS:,} more groups of tables stand in the findings below"))
    if not len(told):
        lines.append(("What it is", _who(ranked)))
        if pd.notna(incident.get("noticed_at")):
            lines.append(("Noticed", html.moment(incident["noticed_at"], zone)))
    lines.append(("Can it come back", _way_back(schemas.check(recovery, "recovery"), checked, zone)))
    lines += [("Stop now", _stop(freeze, zone)), ("To decide", _decide(decisions, zone))]
    if gaps is not None and len(gaps):
        lines.append(("Not seen", _unseen(gaps)))
    look = "brief" if checked["status"].isin(style.DAMAGED).any() else "brief calm"
    said = [tag("div", tag("dt", word), tag("dd", answer)) for word, answer in lines if answer]
    return tag("div", tag("p", _loss(checked), class_="lead"), tag("dl", *said, class_="answers"), class_=look)


def _loss(findings: pd.DataFrame) -> Html:
    leaves = findings[findings["kind"] != "partitioned"]
    damaged = by_urgency(leaves[leaves["status"].isin(style.DAMAGED)])
    counts = leaves["status"].value_counts()
    rest = ", ".join(f"{counts[one]:,} {one}" for one in ("undecided", "intact") if one in counts) or "no other table"
    hurt = int((leaves["actual_from"] == "damaged").sum())
    rest += f"; the files of {style.things(hurt, 'table')} are missing, cut or unreadable" if hurt else ""
    if damaged.empty:
        return html.join([tag("strong", "No table is known to have lost rows"), f" ({rest})", _named(leaves)])
    others = f"The others: {rest}" if len(damaged) < len(leaves) or hurt else "No other table was looked at"
    parts = [
        html.join([html.name(schemas.qualified(row.schema, row.table)), f" ({_gone(row)})"])
        for row in damaged.itertuples()
    ]
    return html.join([tag("strong", f"{_headline(damaged)}: "), _some(parts, 2), f". {others}."])


def _named(leaves: pd.DataFrame) -> Html:
    """The tables that people named, with how sure it is that they lost nothing."""
    named = leaves[leaves["reported"].fillna(False).astype(bool)]
    if named.empty:
        return text(".")
    said = [
        html.join([html.name(schemas.qualified(row.schema, row.table)), f" {row.status} ({_how_sure(row)})"])
        for row in named.itertuples()
    ]
    return html.join([". Of the tables that people named: ", _some(said, 3), "."])


def _how_sure(row: object) -> str:
    stand = f", {style.things(int(row.actual_rows), 'row')} there" if pd.notna(row.actual_rows) else ""
    return f"{style.percent(row.status_probability)} sure{stand}"


def _headline(damaged: pd.DataFrame) -> str:
    """How many tables lost how many rows; hidden rows are not lost and are told apart."""
    lost = damaged[damaged["status"] != "hidden"]
    unseen, tables = words.hidden_rows(damaged), len(damaged) - len(lost)
    hidden = f"{_are(unseen, 'row')} hidden from the application" if unseen else "rows are hidden from the application"
    if lost.empty:
        return f"No row is known to be gone, {hidden} in {style.things(tables, 'table')}"
    known, open_ = int(lost["missing_rows"].fillna(0).sum()), int(lost["missing_rows"].isna().sum())
    more = f" and a number not known in {open_:,} of them" if open_ else ""
    count = f"{_are(known, 'row')} missing{more}" if known or not open_ else "how many rows are missing is not known"
    besides = f"; besides, {hidden} in {tables:,} more" if tables else ""
    return f"{_are(len(lost), 'table')} damaged, {count}{besides}"


def _are(number: int, noun: str) -> str:
    return f"{style.things(number, noun)} {'is' if number == 1 else 'are'}"


def _gone(row: object) -> str:
    if row.status == "hidden":
        hidden = row.hidden_rows if pd.notna(row.hidden_rows) and row.hidden_rows else row.actual_rows
        return "rows hidden" if pd.isna(hidden) else f"{style.things(int(hidden), 'row')} hidden"
    missing = (
        f"{style.things(int(row.missing_rows), 'row')} missing" if pd.notna(row.missing_rows) else "number not known"
    )
    return f"{row.status}, {missing}"


def _some(parts: list[Html], most: int) -> Html:
    if len(parts) <= most + 1:
        return html.join(parts, ", ")
    return html.join([html.join(parts[:most], ", "), f" and {len(parts) - most:,} more"])


def _what(group: object, findings: pd.DataFrame, explaining: pd.DataFrame | None, chances: pd.DataFrame | None) -> Html:
    """The mechanism and its probability, the next one unless it is sure, and the statement that explains the group."""
    mine = findings[findings["group"] == group.group]
    roots = mine[mine["via"].isna()] if mine["via"].isna().any() else mine
    sure = style.percent(roots["probability"].min()) if len(roots) else "not known"
    mechanism = words.mechanism(roots["mechanism"].mode().iloc[0] if len(roots) else "unknown")
    said = [tag("strong", words.capital(mechanism)), f" ({sure} sure{_or_else(roots, chances)})"]
    told = explaining[explaining["group"] == group.group] if explaining is not None else []
    if len(told):
        first = told.iloc[0]
        observed = pd.notna(first["observed"]) and first["observed"]
        condition = words.condition(first, mine)
        said += [
            ": ",
            tag("code", style.short(first["text"], 240)),
            f" ({'seen' if observed else 'inferred, nobody logged it'}; {words.reached(first)}). ",
            f"{condition}. " if condition else "",
            html.ids([first["evidence"]]),
        ]
    return html.join(said)


def _or_else(roots: pd.DataFrame, chances: pd.DataFrame | None) -> str:
    """The second candidate for what happened to the rows, unless the first is sure."""
    if chances is None or roots.empty or roots["probability"].min() >= SURE:
        return ""
    rivals = words.candidates(roots, chances)[1:2]
    return "".join(f"; else {words.mechanism(word)}, {style.percent(most)}" for word, _, most in rivals)


def _who(causes: pd.DataFrame) -> Html:
    """The most probable cause with its evidence, and the second one unless the first is sure."""
    ranked = causes.sort_values("probability", ascending=False, kind="stable").to_dict("records")
    if not ranked:
        return text("")
    first, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    proof = html.ids(first["for"][:MOST_PROOFS])
    said: list[object] = ["Not settled. Most probable: "] if first["probability"] < SETTLED else []
    said += [tag("strong", words.cause(first)), f" ({style.percent(first['probability'])})"]
    if second is not None and first["probability"] < SURE:
        said.append(f"; next: {words.cause(second)} ({style.percent(second['probability'])})")
    return html.join([*said, ". Because of ", proof] if proof else said)


def _when(group: object, noticed: object, zone: object) -> Html:
    when = (
        html.moment(group.committed_at, zone, fine=True)
        if pd.notna(group.committed_at)
        else html.between(group.lost_from, group.lost_to, zone)
    )
    dated = f" (by {style.visible(group.dated_by)})" if isinstance(group.dated_by, str) and group.dated_by else ""
    xid = f", transaction {int(group.xid)}" if pd.notna(group.xid) else ""
    seen = html.join(["; noticed ", html.moment(noticed, zone)]) if noticed is not None and pd.notna(noticed) else ""
    return html.join([when, dated, xid, seen])


def _way_back(recovery: pd.DataFrame, findings: pd.DataFrame, zone: object) -> Html:
    feasible = recovery[recovery["feasible"].fillna(False).astype(bool)]
    if len(feasible):
        best = feasible.sort_values("order", kind="stable", na_position="last").to_dict("records")[0]
        way = tag("strong", style.way_back(best["option"]))
        lacks = best["brings_not"]
        without = (
            f" Does not bring: {words.cut(lacks.split(':')[0], 160)}.".replace(" ….", " …")
            if isinstance(lacks, str) and lacks
            else ""
        )
        ends = html.join(["; begin before ", html.moment(best["deadline"], zone)]) if pd.notna(best["deadline"]) else ""
        others = f" {style.things(len(feasible) - 1, 'more way')}: " if len(feasible) > 1 else " "
        where = tag("a", "Recovery options", href="#s-recovery-options")
        proof = html.ids(best["because"], most=2)
        amount = _of(best["rows"], findings)
        return html.join(
            ["Yes: ", amount, way, _effort(best), ends, ".", html.cited(without), others, where, " ", proof]
        )
    unknown = recovery[recovery["feasible"].isna()].to_dict("records")
    if unknown:
        ways = html.join([html.join([style.way_back(one["option"]), _effort(one)]) for one in unknown], "; ")
        proof = html.ids((one for row in unknown for one in row["because"]), most=3)
        return html.join([tag("strong", "Not known yet"), "; to be checked: ", ways, " ", proof])
    return text("No way back is known from this evidence." if len(recovery) else "No way back is needed or known.")


def _of(rows: object, findings: pd.DataFrame) -> str:
    """How many of the missing or hidden rows a way back brings."""
    if pd.isna(rows):
        return ""
    leaves = findings[(findings["kind"] != "partitioned") & findings["status"].isin(style.DAMAGED)]
    gone = int(leaves["missing_rows"].fillna(0).sum()) + words.hidden_rows(leaves)
    if gone == rows:
        return f"all {style.things(gone, 'row')}, by " if gone > 1 else "the row, by "
    known = leaves["missing_rows"].notna().all() and gone > int(rows)
    return f"{int(rows):,} of {gone:,} rows, by " if known else f"{style.things(int(rows), 'row')}, by "


def _effort(row: Mapping[str, object]) -> str:
    effort = row["effort"]
    return f" (takes {style.visible(effort)})" if isinstance(effort, str) and effort not in ("", "none") else ""


def _stop(freeze: pd.DataFrame | None, zone: object) -> Html:
    if freeze is None or not len(freeze):
        return text("")
    steps = schemas.check(freeze, "freeze").sort_values("order", kind="stable").to_dict("records")
    shown = html.listed((html.join([row["action"], _until(row["deadline"], zone)]) for row in steps[:3]), ordered=True)
    more = f"{len(steps) - 3:,} more, with commands and what each step destroys: " if len(steps) > 3 else "how: "
    return html.join([shown, tag("p", more, tag("a", "Stop these things now", href="#s-stop-these-things-now"))])


def _decide(decisions: pd.DataFrame | None, zone: object) -> Html:
    if decisions is None or not len(decisions):
        return text("")
    given = schemas.check(decisions, "decisions").sort_values("order", kind="stable").to_dict("records")
    return html.listed(
        html.join(
            [
                tag("strong", words.capital(row["who"])),
                ": ",
                words.cut(row["decision"], 200),
                _until(row["until"], zone),
            ]
        )
        for row in given
    )


def _until(at: object, zone: object) -> Html:
    return html.join([", before ", html.moment(at, zone)]) if pd.notna(at) else text("")


def _unseen(gaps: pd.DataFrame) -> Html:
    """What was not answered, named sources first, with what the first three cost."""
    given = schemas.check(gaps, "gaps")
    weight = {source: place for place, source in enumerate(TELLING)}
    ordered = given.assign(
        _last=~given["named"].fillna(False).astype(bool), _weight=given["source"].map(weight).fillna(len(TELLING))
    ).sort_values(["_last", "_weight"], kind="stable")
    costs = ordered.drop_duplicates("costs").head(MOST_GAPS)
    said = html.join([_cost(row) for row in costs.itertuples()], "; ")
    left = len(given) - len(costs)
    where = tag("a", "Gaps and provenance", href="#s-gaps-and-provenance")
    return html.join([said, f"; {left:,} more: " if left else "; why: ", where])


def _cost(row: object) -> Html:
    cost = str(row.costs).split(":")[0].split(";")[0] if isinstance(row.costs, str) else ""
    shown = html.name(row.source)
    return html.join([words.cut(cost, 100), " (", shown, ")"]) if cost else shown
