"""What to do next, in order: who does it, how, what it costs and by when."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style, words
from triage_kit.plot.deadlines import Endings, endings, moment
from triage_kit.plot.html import Html, tag, text
from triage_kit.plot.recovering import numbered_ways

MOST_PROOFS = 4
WORTH_ASKING = 0.05  # what would settle a cause that is less likely is not worth a line


def step_list(
    next_steps: pd.DataFrame,
    timezone: object = None,
    freeze: pd.DataFrame | None = None,
    recovery: pd.DataFrame | None = None,
) -> Html:
    """The steps in their order, the most urgent first, each with its commands.

    Parameters
    ----------
    next_steps : frame of this name.
    timezone : shown beside UTC.
    freeze, recovery : frames of these names; a step that stands there with its reason and commands is only named
        here, and leads there.

    >>> found = pd.DataFrame([{"order": 1, "step": "Copy pg_wal", "role": "on-call", "why": "it is recycled",
    ...                        "commands": ("cp -a pg_wal /safe",), "cost": "minutes", "until": None,
    ...                        "because": ("E3",)}])
    >>> str(step_list(found)).count("<li>")
    1
    """
    given = schemas.check(next_steps, "next_steps").sort_values("order", kind="stable")
    if not len(given):
        where = tag("a", "Immediate", href="#s-immediate")
        said = "Nothing has to be stopped, fetched or brought back; what there is to ask stands under "
        return tag("p", said, where, ".", class_="none")
    told = set() if freeze is None else set(schemas.check(freeze, "freeze")["action"])
    stops = given["step"].isin(told)
    ends = endings(freeze)
    first = [_stops(given[stops], timezone, ends)] if stops.any() else []
    ways = {} if recovery is None else _options(recovery)
    rest = given[~stops].to_dict("records")
    return tag("ol", *first, *(_step(row, timezone, ends, ways.get(_same(row))) for row in rest), class_="steps")


def _options(recovery: pd.DataFrame) -> dict[tuple, int]:
    """The number that each way back has in the list above, by what a step repeats of it."""
    return {_same(row): number for number, row in enumerate(numbered_ways(recovery), 1) if row["commands"]}


def _same(row: dict) -> tuple:
    return tuple(row["commands"])


def _stops(given: pd.DataFrame, timezone: object, ends: Endings) -> Html:
    """The steps of the list at the page's head as one: who does them, and by when the first."""
    roles = ", ".join(dict.fromkeys(given["role"].dropna()))
    soonest = given["until"].dropna().min()
    until = html.join([" \u00b7 the first until ", moment(soonest, timezone, ends)]) if pd.notna(soonest) else text("")
    how = tag("a", "Stop these things now", href="#s-stop-these-things-now")
    many = "its step" if len(given) == 1 else f"its {len(given):,} steps, in their order"
    return tag("li", tag("strong", how), html.join([f": {many} (", roles, until, ")"]))


def _step(row: dict, timezone: object, ends: Endings, option: int | None = None) -> Html:
    facts = [text(row["role"]) if isinstance(row["role"], str) else ""]
    facts += [text(row["cost"]) if isinstance(row["cost"], str) else ""]
    facts += [html.join(["until ", moment(row["until"], timezone, ends)]) if pd.notna(row["until"]) else ""]
    who = html.join([fact for fact in facts if fact], " \u00b7 ")
    why = html.prose(words.capital(row["why"])) if isinstance(row["why"], str) else ""
    proof = html.ids(row["because"], most=MOST_PROOFS)
    why = html.join([why, ". ", proof] if why and proof else [why or proof])
    head = html.join([tag("strong", html.cited(row["step"])), html.join([" (", who, ")"]) if who else ""])
    if option is not None:
        there = tag("a", f"option {option}", href="#s-recovery-options")
        return tag("li", head, tag("p", "Why, with its commands: ", there, html.join([". ", proof]) if proof else "."))
    return tag("li", head, tag("p", why) if why else "", html.commands(row["commands"]))


def next_steps(
    causes: pd.DataFrame, recovery: pd.DataFrame, gaps: pd.DataFrame, groups: pd.DataFrame | None = None
) -> Html:
    """Whom to ask, what to settle about the way back, and which named source to get after all.

    Parameters
    ----------
    causes, recovery, gaps : frames of these names.
    groups : frame of this name; where it has no loss, no cause is there to be settled.
    """
    ranked = schemas.check(causes, "causes").sort_values("probability", ascending=False, kind="stable")
    likely = ranked.loc[ranked["probability"].fillna(0) >= WORTH_ASKING, "would_settle"].dropna()
    ask = [html.cited(said) for said in dict.fromkeys("; ".join(likely).split("; ")) if said]
    ask = ask if groups is None or len(schemas.check(groups, "groups")) else []
    ways = schemas.check(recovery, "recovery")
    unknown = ways[ways["feasible"].isna()]
    options = tag("a", "Recovery options", href="#s-recovery-options")
    settle = [html.join([tag("strong", style.way_back(row.option)), ": what is open stands in ", options])
              for row in unknown.itertuples(index=False)]  # fmt: skip
    lacking = schemas.check(gaps, "gaps")
    fetch = [
        html.join([html.name(row.source), ": ", html.cited(row.reason)])
        for row in lacking[lacking["named"].fillna(False).astype(bool)].itertuples(index=False)
    ]
    parts = [("Settle the cause", ask), ("Settle the way back", settle), ("Get the sources that the case names", fetch)]
    return html.join(
        [html.join([tag("h4", title), html.listed(items, ordered=True)]) for title, items in parts if items]
    )
