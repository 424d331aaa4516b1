"""The second half of the first screen: the way back, what to stop, who decides what, and what was not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style, words
from triage_kit.plot.damage import by_urgency, names
from triage_kit.plot.deadlines import Endings, endings, moment
from triage_kit.plot.html import Html, tag, text

MOST_GAPS = 3
NO_ENDS: Endings = {}
AT_ONCE = pd.Timedelta(minutes=15)
# Sources that tell most of a loss, the most telling first: a reader misses these before any other.
TELLING = ("logs", "statements", "wal", "commit_times", "migrations", "row_counts", "table_counters", "relations")
DATING = ("commit_times", "file_times")  # they date a loss, and are not missed where it is dated to the microsecond
NOT_NAMED = "not named in the case"  # the row of coverage that tells what nobody was asked for


def way_back(recovery: pd.DataFrame, findings: pd.DataFrame, zone: object, ends: Endings = NO_ENDS) -> Html:
    """Whether the rows can come back, how many, how long that takes, and what does not come back."""
    feasible = recovery[recovery["feasible"].fillna(False).astype(bool)]
    if len(feasible):
        best = feasible.sort_values("order", kind="stable", na_position="last").to_dict("records")[0]
        ends = (
            html.join(["; begin before ", moment(best["deadline"], zone, ends)]) if pd.notna(best["deadline"]) else ""
        )
        others = f" {style.things(len(feasible) - 1, 'more way')}: " if len(feasible) > 1 else " "
        where = tag("a", "Recovery options", href="#s-recovery-options")
        way = tag("strong", style.way_back(best["option"]))
        spared = _untouched(best["tables"], findings)
        said = [
            "In part: " if spared else "Yes: ",
            _amount(best["rows"], findings, partly=bool(spared)),
            way,
            _effort(best),
            ends,
            html.join(["; no row of ", html.names(spared, 3)]) if spared else "",
            ".",
            _lacking(best["preconditions"]),
        ]
        said.append(_without(best["brings_not"]))
        return html.join([*said, others, where, " ", html.ids(best["because"], most=2)])
    unknown = recovery[recovery["feasible"].isna()].to_dict("records")
    if unknown:
        ways = html.join(
            [html.join([style.way_back(one["option"]), _effort(one), _by_itself(one)]) for one in unknown], "; "
        )
        proof = html.ids((one for row in unknown for one in row["because"]), most=3)
        return html.join([tag("strong", "Not known yet"), "; to be checked: ", ways, " ", proof])
    if len(recovery):
        return text("No way back is known from this evidence.")
    if (findings["status"] == "undecided").any():
        return text("Not known: which way would bring rows back hangs on what happened, and that is not settled.")
    return text("Nothing is known that would have to come back.")


def _untouched(brought: Sequence[str], findings: pd.DataFrame) -> list[str]:
    """The damaged tables of which a way back brings nothing; none where it does not tell what it brings."""
    leaves = by_urgency(findings[(findings["kind"] != "partitioned") & findings["status"].isin(style.DAMAGED)])
    told = set(brought)
    return [name for name in names(leaves) if name not in told] if told else []


def _lacking(preconditions: Sequence[str]) -> Html:
    """What a way back takes that was found not to be there, as a privilege of the role that asked."""
    bad = next((line.removeprefix("bad: ") for line in preconditions if line.startswith("bad: ")), "")
    return html.cited(f" Beware: {schemas.cut(style.visible(bad), 160)}.".replace(" ….", " …") if bad else "")


def _by_itself(way: Mapping[str, object]) -> Html:
    """Of a way back that brings nothing unless another one does, what it holds and what that waits for."""
    lacks = way["brings_not"]
    if pd.isna(way["rows"]) or way["rows"] or not isinstance(lacks, str) or not lacks:  # type: ignore[call-overload]
        return text("")
    said = schemas.cut(style.visible(lacks.split(";")[0]), 160)
    held = f", not even the {said}" if " rows that are in it" in said else ""
    return html.cited(f", which by itself brings 0 rows{held}")


def _without(lacks: object) -> Html:
    """What a way back does not bring, in one sentence that is not cut in its middle."""
    if not isinstance(lacks, str) or not lacks:
        return text("")
    if lacks.startswith("nothing is missing"):  # the rows stand: what is said beside it is a warning
        beware = lacks.removeprefix("nothing is missing").lstrip(".; ").split(":")[0].split(". ")[0]
        return html.cited(f" {words.capital(beware)}." if beware else "")
    return html.cited(f" Does not bring: {schemas.cut(style.visible(lacks.split(':')[0]), 160)}.".replace(" ….", " …"))


def _amount(rows: object, findings: pd.DataFrame, partly: bool) -> str:
    """How many of the missing or hidden rows a way back brings."""
    if pd.isna(rows):
        return ""
    leaves = findings[(findings["kind"] != "partitioned") & findings["status"].isin(style.DAMAGED)]
    gone = int(leaves["missing_rows"].fillna(0).sum()) + words.hidden_rows(leaves)
    near, known = words.about_all(leaves), bool(leaves["missing_rows"].notna().all())
    again = any(words.refilled(row) for row in leaves.itertuples())  # what stands under the key of a lost row stays
    if known and gone == rows and not partly and not again:
        return f"all {near}{style.things(gone, 'row')}, by " if gone > 1 else "the row, by "
    if known and gone > int(rows):
        return f"{int(rows):,} of {near}{gone:,} rows, by "
    if known and not partly:  # more than are missing: deletes of before are among them
        return f"up to all {near}{style.things(gone, 'row')}, by "
    about = "about" if words.likely_all(leaves) else "up to"  # what stands is taken off, as far as the copy tells it
    return f"{about} {style.things(int(rows), 'row')}, by "


def _effort(row: Mapping[str, object]) -> str:
    effort = row["effort"]
    return f" (takes {style.visible(effort)})" if isinstance(effort, str) and effort not in ("", "none") else ""


def stop(freeze: pd.DataFrame | None, zone: object, collected: object = None) -> Html:
    """The first three things to stop, each with the time by which it must be done.

    What has a few minutes from the collection on has none left for a reader: it is to be done at once.
    """
    if freeze is None or not len(freeze):
        return text("")
    steps = schemas.check(freeze, "freeze").sort_values("order", kind="stable").to_dict("records")
    clocks, ends = [None, *(row["deadline"] for row in steps)], endings(freeze)
    shown = html.listed(
        (
            html.join([row["action"], _by(row["deadline"], last, zone, collected, ends)])
            for row, last in zip(steps[:3], clocks, strict=False)
        ),
        ordered=True,
    )
    more = f"All {len(steps):,}: " if len(steps) > 3 else "How: "
    more = f"Do them even when late. {more}" if any(pd.notna(row["deadline"]) for row in steps) else more
    return html.join([shown, tag("p", more, tag("a", "Stop these things now", href="#s-stop-these-things-now"))])


def decide(decisions: pd.DataFrame | None, zone: object, ends: Endings = NO_ENDS) -> Html:
    """Who must decide what, and until when."""
    if decisions is None or not len(decisions):
        return text("")
    given = schemas.check(decisions, "decisions").sort_values("order", kind="stable").to_dict("records")
    return html.listed(
        html.join(
            [
                tag("strong", words.capital(row["who"])),
                ": ",
                schemas.cut(style.visible(row["decision"]), 200),
                _until(row["until"], zone, ends),
            ]
        )
        for row in given
    )


def _by(at: object, last: object, zone: object, collected: object, ends: Endings) -> Html:
    if pd.notna(at) and pd.notna(collected) and at - collected <= AT_ONCE:  # type: ignore[operator]
        return text(", at once")
    return text(", before then") if _same(at, last) else _until(at, zone, ends)


def _same(at: object, last: object) -> bool:
    return pd.notna(at) and pd.notna(last) and at == last


def _until(at: object, zone: object, ends: Endings) -> Html:
    return html.join([", before ", moment(at, zone, ends)]) if pd.notna(at) else text("")


def unseen(gaps: pd.DataFrame | None, coverage: pd.DataFrame | None, dated: bool) -> Html:
    """What was not answered, named sources first, with what the first three cost; and what nobody was asked for.

    Parameters
    ----------
    gaps, coverage : frames of these names; None where a caller does not have them.
    dated : whether every loss is dated by its commit: then no time is missed.
    """
    where = tag("a", "Gaps and provenance", href="#s-gaps-and-provenance")
    beside = not_named(coverage)
    if gaps is None or not len(gaps):
        every = (
            "Every question to the server was answered; what it neither logs nor counts, no answer tells. "
            if coverage is not None and len(coverage)
            else ""
        )
        return html.join([every, beside, where]) if every or beside else text("")
    given = schemas.check(gaps, "gaps")
    missed = given[~given["source"].isin(DATING)] if dated else given
    weight = {source: place for place, source in enumerate(TELLING)}
    ordered = missed.assign(
        _last=~missed["named"].fillna(False).astype(bool), _weight=missed["source"].map(weight).fillna(len(TELLING))
    ).sort_values(["_last", "_weight"], kind="stable")
    costs = ordered.drop_duplicates("costs").head(MOST_GAPS - bool(beside))
    said = html.join([_cost(row) for row in costs.itertuples()], "; ")
    left = len(given) - len(costs)
    if not said:
        said, left = text(f"{style.things(left, 'question')} without an answer, of no weight here"), 0
    more = f"; {style.things(left, 'more question')} without an answer" if left else ""
    return html.join([said, more, ". ", beside, where]) if beside else html.join([said, more or "; why", ": ", where])


def not_named(coverage: pd.DataFrame | None) -> str:
    """What a case may name and this one does not, in a sentence; nothing where it names everything."""
    if coverage is None:
        return ""
    told = coverage.loc[coverage["source"] == NOT_NAMED, "read"]
    return f"Not named in the case: {style.visible(told.iloc[0])}. " if len(told) else ""


def _cost(row: object) -> Html:
    cost = str(row.costs).split(":")[0].split(";")[0] if isinstance(row.costs, str) else ""
    shown = html.name(row.source)
    return html.join([schemas.cut(style.visible(cost), 120), " (", shown, ")"]) if cost else shown
