"""The first screen in words: what is gone, what to stop, what did it, since when, the way back, who decides what."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import culprit, html, outlook, style, vain, words
from triage_kit.plot.damage import by_urgency
from triage_kit.plot.deadlines import endings
from triage_kit.plot.html import Html, tag, text
from triage_kit.plot.removals import transactions

MOST_GROUPS = 3
MOST_PROOFS = 3
MOST_TOLD, MOST_NAMED = 2, 6  # damaged tables told with what became of them, and named at all
SETTLED = 0.5  # below it the most probable cause is less likely than all others together
OUT_OF_SIGHT = "Nobody removed rows: they stand, out of sight"
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
        found.coverage,
        found.culprits,
        found.evidence,
        found.removals,
        getattr(found, "undone_loads", None),
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
    coverage: pd.DataFrame | None = None,
    culprits: pd.DataFrame | None = None,
    evidence: pd.DataFrame | None = None,
    removals: pd.DataFrame | None = None,
    undone: pd.DataFrame | None = None,
) -> Html:
    """What a reader must know at once; ``glance`` is the picture to it, and the sections below prove each line.

    Parameters
    ----------
    findings, groups, causes, recovery, gaps, freeze, decisions, coverage : frames of these names.
    incident : the case's own words (title, noticed_at, timezone, practice …).
    explaining : frame explaining_statements.
    chances : frame mechanism_probabilities, so that the second candidate is named beside the first.
    culprits : frame of this name: the session, migration or script that did it.
    evidence : frame of this name, for the row that dates a loss.
    removals : frame of this name: a DELETE in many transactions is said to be one.
    undone : frame undone_loads: where nothing is lost, what was loaded in vain is why rows are missed.
    """
    zone, ends = incident.get("timezone"), endings(freeze)
    checked = schemas.check(findings, "findings")
    told = schemas.check(groups, "groups")
    ranked = schemas.check(causes, "causes")
    # What cannot wait stands first: on a telephone it would otherwise be a screen further down.
    lines: list[tuple[str, object]] = [("Stop now", outlook.stop(freeze, zone, incident.get("collected_at")))]
    for place, group in enumerate(told.head(MOST_GROUPS).to_dict("records")):
        many = f" ({group['group']})" if len(told) > 1 else ""
        did = _did(group["group"], culprits)
        if place:  # the greatest loss is told in full; of the others what tells them from it, for one screen
            mine = ranked[ranked["group"] == group["group"]]
            lines.append((f"What did it{many}", _in_short(group, checked, explaining, mine, did, zone)))
            continue
        lines += [
            (f"What did it{many}", _what(group, checked, explaining, chances, did, removals, evidence)),
            (f"Who{many}", _who(ranked[ranked["group"] == group["group"]], group, did)),
            (
                f"Since when{many}",
                _when(group, incident.get("noticed_at"), zone, _dating(group, evidence)),
            ),
        ]
    if len(told) > MOST_GROUPS:
        lines.append(("More losses", f"{len(told) - MOST_GROUPS:,} more groups of tables stand in the findings below"))
    if not len(told):
        lines += [("What it is", _who(ranked)), ("Loaded in vain", vain.in_short(undone, zone))]
        if pd.notna(incident.get("noticed_at")):
            lines.append(("Noticed", html.moment(incident["noticed_at"], zone)))
    lines += [
        ("Can it come back", outlook.way_back(schemas.check(recovery, "recovery"), checked, zone, ends)),
        ("To decide", outlook.decide(decisions, zone, ends)),
        ("Not seen", outlook.unseen(gaps, coverage, schemas.by_commits(told))),
    ]
    calm = "brief open" if _open(checked) else "brief calm"
    look = "brief" if checked["status"].isin(style.DAMAGED).any() else calm
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
        headline = "Whether rows were lost is not settled" if _open(leaves) else "No table is known to have lost rows"
        return html.join([tag("strong", headline), f" ({rest})", _named(leaves)])
    others = f"The others: {rest}" if len(damaged) < len(leaves) or hurt else "No other table was looked at"
    said = [tag("strong", f"{_headline(damaged)}: "), _hit(damaged), f". {others}."]
    return html.join([*said, _besides(leaves), _parents(findings)])


def _hit(damaged: pd.DataFrame) -> Html:
    """Every damaged table by its name, the first with what became of them; of many, how many more there are."""
    told = list(damaged.itertuples())
    if len(told) <= MOST_TOLD + 1:
        return html.join([_table(row) for row in told], ", ")
    named = [html.name(schemas.qualified(row.schema, row.table)) for row in told[MOST_TOLD:]]
    # Where not all fit, the first do: names of some more would push the last answer off the screen.
    return _some([*map(_table, told[:MOST_TOLD]), *named], MOST_NAMED if len(told) <= MOST_NAMED + 1 else MOST_TOLD)


def _besides(leaves: pd.DataFrame) -> Html:
    """The tables that people named and that are not known to be damaged: they ask for these first."""
    named = _reported(leaves[~leaves["status"].isin(style.DAMAGED)])
    return html.join([" People named besides: ", _some(named, 2), "."]) if named else text("")


def _parents(findings: pd.DataFrame) -> Html:
    """The damaged partitioned tables, which the count leaves out because it has their parts."""
    parted = findings[(findings["kind"] == "partitioned") & findings["status"].isin(style.DAMAGED)]
    if parted.empty:
        return text("")
    named = [html.name(schemas.qualified(row.schema, row.table)) for row in by_urgency(parted).itertuples()]
    lead = f" Counted by {'its' if len(named) == 1 else 'their'} parts: "
    return html.join([lead, _some(named, 2), "."])


def _table(row: object) -> Html:
    """A damaged table with what became of its rows, and the two evidence rows that say so."""
    proof = html.ids(row.because[:2])  # type: ignore[attr-defined]
    said = [html.name(schemas.qualified(row.schema, row.table)), f" ({words.gone(row)})"]  # type: ignore[attr-defined]
    return html.join([*said, " ", proof] if proof else said)


def _open(findings: pd.DataFrame) -> bool:
    """Whether a table that people named, or any where they named none, is undecided: nobody should go home then."""
    named = findings["reported"].fillna(False).astype(bool)
    asked = findings[named] if named.any() else findings
    return bool((asked["status"] == "undecided").any())


def _named(leaves: pd.DataFrame) -> Html:
    """The tables that people named, with how sure it is that they lost nothing."""
    said = _reported(leaves)
    return html.join([". Of the tables that people named: ", _some(said, 3), "."]) if said else text(".")


def _reported(leaves: pd.DataFrame) -> list[Html]:
    """Each table that people named, with its status and how sure that is."""
    return [
        html.join([html.name(schemas.qualified(row.schema, row.table)), f" {row.status} ({_how_sure(row)})"])
        for row in leaves[leaves["reported"].fillna(False).astype(bool)].itertuples()
    ]


def _how_sure(row: object) -> str:
    stand = f"{style.things(int(row.actual_rows), 'row')} there" if pd.notna(row.actual_rows) else "not counted"
    if row.status == "undecided":  # how likely it is that nothing is lost stands in the line below
        went = 0 if pd.isna(row.deletes) else int(row.deletes)
        return f"{stand}; {went:,} {'was' if went == 1 else 'were'} deleted, wanted or not" if went else stand
    return f"{style.percent(row.status_probability)} sure, {stand}"


def _headline(damaged: pd.DataFrame) -> str:
    """How many tables lost how many rows; hidden rows are not lost and are told apart."""
    lost = damaged[damaged["status"] != "hidden"]
    unseen, tables = words.hidden_rows(damaged), len(damaged) - len(lost)
    hidden = f"{_are(unseen, 'row')} hidden from the application" if unseen else "rows are hidden from the application"
    if lost.empty:
        return f"No row is known to be gone, {hidden} in {style.things(tables, 'table')}"
    near = words.about_all(lost)
    known, open_ = int(lost["missing_rows"].fillna(0).sum()), int(lost["missing_rows"].isna().sum())
    more = f" and a number not known in {open_:,} of them" if open_ else ""
    bounds = [words.at_most(row) for row in lost[lost["missing_rows"].isna()].itertuples()]
    unknown = words.likely_all(lost) or "how many rows are missing is not known"
    most = sum(bound or 0 for bound in bounds)
    if open_ and None not in bounds and most:  # "at most 0" of a damaged table bounds nothing
        unknown, more = f"at most {_are(most, 'row')} missing", f" and at most {most:,} more in {open_:,} of them"
    count = f"{near}{_are(known, 'row')} missing{more}" if known or not open_ else unknown
    besides = f"; besides, {hidden} in {tables:,} more" if tables else ""
    marked = " (≈ marks what the server estimates: not counted)" if near and known else ""
    return f"{_are(len(lost), 'table')} damaged, {count}{marked}{besides}"


def _are(number: int, noun: str) -> str:
    return f"{style.things(number, noun)} {'is' if number == 1 else 'are'}"


def _some(parts: list[Html], most: int, of: int | None = None) -> Html:
    """The parts, or the first of them and how many more there are; ``of`` in all, where not each was given."""
    whole = len(parts) if of is None else of
    if whole <= most + 1:
        return html.join(parts, ", ")
    return html.join([html.join(parts[:most], ", "), f" and {whole - most:,} more"])


def _did(group: str, culprits: pd.DataFrame | None) -> dict:
    """The group's row of ``culprits``, as one without an answer where there is none."""
    told = schemas.empty("culprits") if culprits is None else schemas.check(culprits, "culprits")
    mine = told[told["group"] == group].to_dict("records")
    return mine[0] if mine else schemas.frame("culprits", [{"group": group}]).to_dict("records")[0]


def _what(
    group: dict,
    findings: pd.DataFrame,
    explaining: pd.DataFrame | None,
    chances: pd.DataFrame | None,
    did: dict,
    removals: pd.DataFrame | None = None,
    evidence: pd.DataFrame | None = None,
) -> Html:
    """The mechanism and its probability, the next one unless it is sure, and the statement that explains the group."""
    mine = findings[findings["group"] == group["group"]]
    roots = mine[mine["via"].isna()] if mine["via"].isna().any() else mine
    said = [_how(group, _or_else(roots, chances))]
    told = explaining[explaining["group"] == group["group"]] if explaining is not None else []
    if not len(told) and pd.notna(did["text"]):
        said += [
            ": ",
            tag("code", style.short(" ".join(str(did["text"]).split()), 240)),
            " (seen). ",
            html.ids(did["evidence"], most=2),
        ]
    elif not len(told) and group["mechanism"] == "hidden":
        said.append(_hiding(roots, evidence))
    if len(told):
        first = told.iloc[0]
        observed = pd.notna(first["observed"]) and first["observed"]
        condition = words.condition(first, mine)
        many = transactions(removals, group["group"])
        ran = "seen" if observed else "inferred, nobody logged it"
        ran += f"; in {many:,} transactions" if many > 1 else ""
        said += [
            ": ",
            tag("code", style.short(" ".join(str(first["text"]).split()), 240)),
            f" ({ran}; {_reached(first, mine)}). ",
            f"{condition}. " if condition else "",
            html.ids([first["evidence"]]),
        ]
    return html.join(said)


def _hiding(mine: pd.DataFrame, evidence: pd.DataFrame | None) -> Html:
    """What keeps the application from seeing rows that stand, as the row says that speaks most for it."""
    first = next((told[0] for told in mine["because"] if len(told)), None)
    known = evidence[evidence["id"] == first] if evidence is not None and first else []
    if not len(known):
        return text("")
    row = known.iloc[0]
    said = style.visible(style.short(" ".join(str(row["says"]).removeprefix(f"{row['row']}: ").split()), 320))
    return html.join([": ", said, ". ", html.ids([first])])


def _how(group: dict, besides: str = "") -> Html:
    """The mechanism and how sure it is; that it is not settled comes first where others together are likelier."""
    mechanism = words.mechanism("unknown" if pd.isna(group["mechanism"]) else group["mechanism"])
    open_ = pd.notna(group["probability"]) and group["probability"] < SETTLED
    lead = "Not settled. Most probable: " if open_ else ""
    sure = style.percent(group["probability"])
    return html.join([lead, tag("strong", words.capital(mechanism)), f" ({sure} sure{besides})"])


def _in_short(
    group: dict, findings: pd.DataFrame, explaining: pd.DataFrame | None, causes: pd.DataFrame, did: dict, zone: object
) -> Html:
    """A further loss: its tables, what did it, when, and the most probable cause; its finding has the rest."""
    mine = by_urgency(findings[(findings["group"] == group["group"]) & (findings["kind"] != "partitioned")])
    named = [html.name(schemas.qualified(row.schema, row.table)) for row in mine.itertuples()]
    told = explaining[explaining["group"] == group["group"]] if explaining is not None else []
    said: list[object] = [_some(named, 2), ": " if named else "", _how(group)]
    if len(told) or pd.notna(did["text"]):
        text_, proof = (told.iloc[0]["text"], told.iloc[0]["evidence"]) if len(told) else (did["text"], None)
        observed = not len(told) or (pd.notna(told.iloc[0]["observed"]) and told.iloc[0]["observed"])
        said += [": ", tag("code", style.short(" ".join(str(text_).split()), 120)), " (seen)" if observed else
                 " (inferred)", " ", html.ids([proof] if proof else did["evidence"], most=2)]  # fmt: skip
    ranked = causes.sort_values("probability", ascending=False, kind="stable").to_dict("records")
    who = [
        f". Cause: {words.head('cause', each['cause'])} ({style.percent(each['probability'])})" for each in ranked[:1]
    ]
    seen = culprit.session(did)
    return html.join([*said, "; ", _at(group, zone), *who, f"; seen running it: {seen}" if seen else "", "."])


def _at(group: dict, zone: object) -> Html:
    if pd.notna(group["committed_at"]):
        return html.moment(group["committed_at"], zone, fine=True)
    return html.between(group["lost_from"], group["lost_to"], zone)


def _reached(statement: Mapping[str, object], members: pd.DataFrame) -> str:
    return words.reached(statement, int(members["status"].isin(style.DAMAGED).sum()))


def _or_else(roots: pd.DataFrame, chances: pd.DataFrame | None) -> str:
    """The second candidate for what happened to the rows, unless the first is sure."""
    if chances is None or roots.empty or roots["probability"].min() >= SURE:
        return ""
    first, *rivals = [*words.candidates(roots, chances)[:2], (None, 0.0, 0.0)][:2]
    return "".join(
        f"; else {words.rival(word, first[0])}, {style.percent(most)}" for word, _, most in rivals if word is not None
    )


def _who(causes: pd.DataFrame, group: dict | None = None, did: dict | None = None) -> Html:
    """The most probable cause, the second one unless that is sure, and the session, migration or script if known."""
    ranked = causes.sort_values("probability", ascending=False, kind="stable").to_dict("records")
    if not ranked:
        return text("")
    first, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    proof = html.ids(first["for"][:MOST_PROOFS], most=MOST_PROOFS)
    said: list[object] = []
    if first["probability"] < SETTLED:
        said = ["Not settled. " if first["cause"] == "unknown" else "Not settled. Most probable: "]
    hidden = group is not None and group["mechanism"] == "hidden" and first["cause"] == "not_lost"
    title = OUT_OF_SIGHT if hidden else words.cause(first)
    said += [tag("strong", title), f" ({style.percent(first['probability'])})"]
    if second is not None and first["probability"] < SURE:
        said.append(f"; next: {words.cause(second)} ({style.percent(second['probability'])})")
    if did is not None:
        who, named = culprit.session(did), culprit.line(did)
        said += [". Seen running it: ", who] if who else []
        likely = first["probability"] >= SETTLED and first["cause"] != "unknown"
        lead = ". Its line: " if likely and did["ran"] in culprit.DID else ". A line that would do it: "
        said += [lead, named] if named else []
    return html.join([*said, ". Because of ", proof] if proof else said)


def _dating(group: dict, evidence: pd.DataFrame | None) -> Html:
    """The row that ties a loss to its transaction: what the WAL says of it, else the catalogue."""
    if evidence is None or pd.isna(group["xid"]):
        return text("")
    mine = evidence[evidence["row"].isin(set(group["tables"]))]
    said = mine[mine["says"].str.contains(rf"\b(?:transaction|xmin) {int(group['xid'])}\b", na=False)]
    return html.ids(said.sort_values("group", key=lambda kind: kind != "wal", kind="stable")["id"].head(1))


def _when(group: dict, noticed: object, zone: object, proof: Html) -> Html:
    when, by = _at(group, zone), group["dated_by"]
    dated = f" (by {style.visible(by)})" if isinstance(by, str) and by else ""
    first = "the first is " if isinstance(by, str) and by.startswith(schemas.COMMITS) else ""
    xid = f", {first}transaction {int(group['xid'])}" if pd.notna(group["xid"]) else ""
    seen = html.join(["; noticed ", html.moment(noticed, zone)]) if noticed is not None and pd.notna(noticed) else ""
    again = group.get("repeated")
    more = f"; {again}" if isinstance(again, str) else ""
    return html.join([when, dated, xid, more, seen, ". " if proof else "", proof])
