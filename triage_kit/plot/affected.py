"""The lists of the first notebook: what to stop now, and every table with its counters."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style, words
from triage_kit.plot.damage import by_urgency
from triage_kit.plot.deadlines import Endings, endings, moment
from triage_kit.plot.html import Html, tag, text

MOST_TABLES = 500


def freeze_list(freeze: pd.DataFrame, timezone: object = None) -> Html:
    """What to stop now, in order: why, what the step itself destroys, the command, and until when it helps."""
    given = schemas.check(freeze, "freeze").sort_values("order", kind="stable")
    if given.empty:
        return tag("p", "Nothing is known to be lost, so nothing has to be stopped.", class_="none")
    ends = endings(given)
    steps = html.listed((_step(row, timezone, ends) for row in given.to_dict("records")), ordered=True)
    return tag("div", steps, class_="freeze")


def _step(row: dict, timezone: object, ends: Endings) -> Html:
    destroys = row["destroys"] if isinstance(row["destroys"], str) else "not known"
    look = None if destroys.startswith("nothing") else "destroys"
    before = html.join([", before ", moment(row["deadline"], timezone, ends)]) if pd.notna(row["deadline"]) else ""
    proof = html.join([" ", html.ids(row["because"], most=4)]) if row["because"] else ""
    why = html.cited(words.capital(row["why"])) if isinstance(row["why"], str) else ""
    return html.join(
        [
            tag("strong", row["action"]),
            before,
            "." if why or before or not proof else "",
            tag("p", why, ".", proof) if why else proof,
            tag("p", "What this step itself destroys: ", html.cited(destroys), ".", class_=look),
            html.boxes(row["command"]),
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
            html.join([words.about(row) if pd.notna(row.actual_rows) else "", html.number(row.actual_rows)]),
            html.join(
                [
                    words.about(row) if pd.notna(row.missing_rows) and row.missing_rows else "",
                    html.number(row.missing_rows, _at_most(row)),
                ]
            ),
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


def _at_most(row: object) -> str:
    bound = words.at_most(row)
    if likely := words.likely(row):
        return f"about {likely:,}, probably"
    return f"at most {bound:,}" if bound else "not known"


def _expected(row: object) -> Html:
    if words.all_stand(row):
        went = row.expected_rows - row.actual_rows
        known = f"{went:,} went as usual" if went > 0 and words.as_usual(row) else ""
        counted = tag("small", f"({known or f'the counters leave {style.count(row.expected_rows)}'})")
        return html.join([style.count(row.actual_rows), " ", counted])
    origin = f" from {style.visible(row.expected_from).replace('_', ' ')}" if isinstance(row.expected_from, str) else ""
    if pd.notna(row.expected_rows):
        sum_ = ""
        if row.expected_from == "counters" and pd.notna(row.inserts) and pd.notna(row.deletes) and row.deletes:
            sum_ = (
                f"({style.count(row.inserts)} \u2212 {style.count(row.deletes)})"
                if row.inserts - row.deletes == row.expected_rows
                else ""
            )
        return tag(
            "span",
            style.count(row.expected_rows),
            " " if sum_ else "",
            tag("small", sum_, class_="sum"),
            title=f"expected{origin}",
        )
    said = words.likely_before(row) or style.about(row.expected_low, row.expected_high)
    return html.number(None) if said == style.about(None, None) else text(said)


def _mechanism(row: object) -> Html:
    if not isinstance(row.mechanism, str):
        return text("")
    via = html.join([", reached through ", html.name(row.via)]) if isinstance(row.via, str) and row.via else ""
    lost = html.join(["; columns lost: ", html.names(row.columns_lost)]) if row.columns_lost else ""
    lost += html.join(["; lost besides: ", html.names(row.parts_lost)]) if row.parts_lost else ""
    hidden = f"; {style.count(row.hidden_rows)} rows hidden" if pd.notna(row.hidden_rows) and row.hidden_rows else ""
    left = ""
    if newer := words.refilled(row):
        left = f"; none of the old rows is left, the {style.things(newer, 'row')} there came later"
    elif row.status == "partial" and pd.notna(row.old_rows_left):
        # Which of the rows that stand were written since nobody counts.
        left = f"; up to {style.things(int(row.old_rows_left), 'old row')} left" if row.old_rows_left else ""
        left += ", without what was changed since they were copied" if left and words.older(row) else ""
    if former := words.former_rows(row):
        left += f"; the WAL holds {style.things(former, 'row')} of the table that was dropped"
    if row.status == "intact" and isinstance(row.group, str) and row.group:
        left = "; it held no row that could be lost"
    bias = html.folded("what makes the numbers lie", html.listed(row.bias)) if row.bias else ""
    return html.join([_what_happened(row), f" ({style.percent(row.probability)})", via, lost, hidden, left, bias])


def _what_happened(row: object) -> str:
    """The mechanism in words; rows that everyday work deleted are called so, whichever was weighed as the likeliest."""
    if words.deleted_as_usual(row):
        return f"{style.things(int(row.deletes), 'row')} deleted as usual: no loss"
    return f"{words.mechanism(row.mechanism)}{', as usual: no loss' if words.as_usual(row) else ''}"
