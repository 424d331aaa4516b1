"""The first screen in words: what is gone, what did it, since when, the way back, what to stop, who decides what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style
from triage_kit.plot.damage import by_urgency
from triage_kit.plot.html import Html, tag, text

MOST_GROUPS = 3
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
) -> Html:
    """What a reader must know at once; ``glance`` is the picture to it, and the sections below prove each line.

    Parameters
    ----------
    findings, groups, causes, recovery, gaps, freeze, decisions : frames of these names.
    incident : the case's own words (title, noticed_at, timezone, practice …).
    explaining : frame explaining_statements.
    """
    zone = incident.get("timezone")
    checked = schemas.check(findings, "findings")
    told = schemas.check(groups, "groups")
    ranked = schemas.check(causes, "causes")
    lines: list[tuple[str, object]] = []
    for group in told.head(MOST_GROUPS).itertuples():
        many = f" ({group.group})" if len(told) > 1 else ""
        lines += [
            (f"What did it{many}", _what(group, checked, explaining)),
            (f"Who{many}", _who(ranked[ranked["group"] == group.group])),
            (f"Since when{many}", _when(group, incident.get("noticed_at") if group.Index == 0 else None, zone)),
        ]
    if len(told) > MOST_GROUPS:
        lines.append(("More losses", f"{len(told) - MOST_GROUPS:,} more groups of tables stand in the findings below"))
    if not len(told):
        lines.append(("What it is", _who(ranked)))
        if pd.notna(incident.get("noticed_at")):
            lines.append(("Noticed", html.moment(incident["noticed_at"], zone)))
    lines.append(("Can it come back", _way_back(schemas.check(recovery, "recovery"), zone)))
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
    if damaged.empty:
        return html.join([tag("strong", "No table is known to have lost rows"), f" ({rest})."])
    known = int(damaged["missing_rows"].fillna(0).sum())
    open_ = int(damaged["missing_rows"].isna().sum())
    more = f" and a number not known in {open_:,} of them" if open_ else ""
    count = f"{_are(known, 'row')} missing{more}" if known or not open_ else "how many rows are missing is not known"
    words = [tag("strong", f"{_are(len(damaged), 'table')} damaged, {count}: ")]
    parts = [
        html.join([html.name(schemas.qualified(row.schema, row.table)), f" ({_gone(row)})"])
        for row in damaged.itertuples()
    ]
    words.append(_some(parts, 2))
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
    """The mechanism and its probability, and the statement that explains the group."""
    mine = findings[findings["group"] == group.group]
    roots = mine[mine["via"].isna()] if mine["via"].isna().any() else mine
    sure = style.percent(roots["probability"].min()) if len(roots) else "not known"
    mechanism = str(roots["mechanism"].mode().iloc[0]).replace("_", " ") if len(roots) else "unknown"
    said = [tag("strong", mechanism), f" ({sure} sure)"]
    told = explaining[explaining["group"] == group.group] if explaining is not None else []
    if len(told):
        first = told.iloc[0]
        observed = pd.notna(first["observed"]) and first["observed"]
        origin = "seen" if observed else "inferred from the catalogue, nobody logged it"
        said += [
            ": ",
            tag("code", style.short(first["text"], 240)),
            f" ({origin}; explains {first['explained']} of {first['of']} tables, {first['extra']} extra) ",
            html.ids([first["evidence"]]),
        ]
    return html.join(said)


def _who(causes: pd.DataFrame) -> Html:
    """The most probable cause with its evidence, and the second one unless the first is sure."""
    ranked = causes.sort_values("probability", ascending=False, kind="stable").to_dict("records")
    if not ranked:
        return text("")
    proof = html.ids(ranked[0]["for"], most=4)
    said = [
        tag("strong", cause_title(ranked[0])),
        f" ({style.percent(ranked[0]['probability'])})",
    ]
    if len(ranked) > 1 and ranked[0]["probability"] < SURE:
        said.append(f", else: {cause_title(ranked[1])} ({style.percent(ranked[1]['probability'])})")
    return html.join([*said, "; because of ", proof] if proof else said)


def cause_title(cause: Mapping[str, object]) -> str:
    """The title of a cause, or its word when it has none."""
    title = cause["title"]
    return title if isinstance(title, str) and title else str(cause["cause"]).replace("_", " ")


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


def _way_back(recovery: pd.DataFrame, zone: object) -> Html:
    feasible = recovery[recovery["feasible"].fillna(False).astype(bool)]
    if len(feasible):
        best = feasible.sort_values("order", kind="stable", na_position="last").to_dict("records")[0]
        rows = f", {style.count(best['rows'])} rows" if pd.notna(best["rows"]) else ""
        way = tag("strong", style.way_back(best["option"]))
        first, _, more = style.visible("" if pd.isna(best["why"]) else best["why"]).partition("; ")
        why = html.cited(_capital(style.short(first, 200)) + ("; …" if more else ""))
        ends = _until(best["deadline"], zone)
        return html.join(["Yes: ", way, rows, _effort(best), ends, ". ", why, " ", html.ids(best["because"], most=2)])
    unknown = recovery[recovery["feasible"].isna()].to_dict("records")
    if unknown:
        ways = html.join([html.join([style.way_back(one["option"]), _effort(one)]) for one in unknown], "; ")
        proof = html.ids((one for row in unknown for one in row["because"]), most=3)
        return html.join([tag("strong", "Not known yet"), "; to be checked: ", ways, " ", proof])
    return text("No way back is known from this evidence." if len(recovery) else "No way back is needed or known.")


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
            [tag("strong", _capital(row["who"])), ": ", style.short(row["decision"], 200), _until(row["until"], zone)]
        )
        for row in given
    )


def _capital(words: object) -> str:
    said = style.visible(words)
    return said[:1].upper() + said[1:]


def _until(at: object, zone: object) -> Html:
    return html.join([", before ", html.moment(at, zone)]) if pd.notna(at) else text("")


def _unseen(gaps: pd.DataFrame) -> Html:
    names = _listed(style.visible(one) for one in schemas.check(gaps, "gaps")["source"])
    where = tag("a", "Gaps and provenance", href="#s-gaps-and-provenance")
    return html.join([names, "; ", where, " says why and what that costs"])


def _listed(given: Iterable[str], most: int = 8) -> str:
    names = list(given)
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
