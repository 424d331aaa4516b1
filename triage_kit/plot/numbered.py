"""The findings as numbered statements in one shape: evidence, result, impact, conclusion."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.plot import alike, html, style, vain, words
from triage_kit.plot.damage import by_urgency, names
from triage_kit.plot.html import Html, tag
from triage_kit.plot.removals import group_removals, transactions

MOST_LOADS = 12
SURE = 0.9  # above it no other candidate is named
# What an operation of a migration costs, in rows (PostgreSQL documentation of each command).
COSTS = {
    "drop_type": "removes the type, and with CASCADE the columns of that type. It removes no rows",
    "drop_column": "removes the column's values in every row; the rows stay",
    "alter_column": "may rewrite the table; the rows stay",
    "drop_table": "removes the table with all its rows",
    "truncate": "removes all rows; with CASCADE those of every table that references it, whatever ON DELETE says",
    "delete": "removes the rows that its WHERE lets through, all without one, and what ON DELETE CASCADE ties to them",
    "update": "changes values; no row is removed",
    "drop_schema": "removes the schema; with CASCADE every table in it",
    "drop_database": "removes the database with everything in it",
}


def numbered_findings(found: SimpleNamespace, operations: pd.DataFrame, timezone: object = None) -> Html:
    """Every finding with its evidence, result, impact and conclusion, numbered.

    Parameters
    ----------
    found : anything with the frames ``findings``, ``groups``, ``removals``, ``explaining_statements``, ``culprits``,
        ``causes``, ``statements``, ``foreign_keys``, ``mechanism_probabilities`` and ``next_tests``, as an
        investigation has.
    operations : evidence table ``migration_operations`` (what each migration file would run).
    timezone : shown beside UTC.
    """
    parts = [
        *_losses(found, timezone),
        *_statements(found.statements, _carried_out(found), found.findings, timezone),
        *_loads(getattr(found, "undone_loads", None), timezone),
        *_migrations(operations, _proofs(found), getattr(found, "migration_states", None), found.findings["status"]),
        *_bared(found),
        *_patterns(found.findings),
        *_ties(found.foreign_keys, found.findings),
    ]
    shown = [
        tag("section", tag("h3", f"Finding {number}: ", title), body, class_="finding")
        for number, (title, body) in enumerate(parts, 1)
    ]
    return html.join(shown) if shown else tag("p", "Nothing was found that removes rows.", class_="none")


def _shape(evidence: object, result: object, impact: object, conclusion: object) -> Html:
    shape = (("Evidence", evidence), ("Result", result), ("Impact", impact), ("Conclusion", conclusion))
    return tag("dl", *(html.join([tag("dt", word), tag("dd", said)]) for word, said in shape))


def _losses(found: SimpleNamespace, timezone: object) -> list[tuple[str, Html]]:
    return [_loss(group, found, timezone) for group in schemas.check(found.groups, "groups").to_dict("records")]


def _unexplained(mechanism: str, members: int) -> str:
    if mechanism in words.WITHOUT_STATEMENT:
        return f"No statement did this: {words.mechanism(mechanism)}. "
    return f"No single statement explains exactly {'these tables' if members > 1 else 'this table'}. "


def _loss(group: dict, found: SimpleNamespace, timezone: object) -> tuple[str, Html]:
    findings = schemas.check(found.findings, "findings")
    mine = findings[findings["group"] == group["group"]]
    leaves = mine[mine["kind"] != "partitioned"]  # as on the first screen: a partitioned table only sums up
    members = by_urgency(leaves if len(leaves) else mine)
    damaged = members[members["status"].isin(style.DAMAGED)]
    statements = schemas.check(found.explaining_statements, "explaining_statements")
    statement = statements[statements["group"] == group["group"]].to_dict("records")
    how = style.visible(group["how"]) if isinstance(group["how"], str) else "taken together"
    bare, said = str(group["mechanism"]), words.mechanism(group["mechanism"])
    how = f"joined by {how}" if how.startswith("one ") else how.replace(bare, said)
    xid = f", transaction {int(group['xid'])}" if pd.notna(group["xid"]) else ""
    proof = html.ids(one for row in members.to_dict("records") for one in row["because"])
    evidence = html.join(
        [
            html.names([schemas.qualified(row.schema, row.table) for row in members.itertuples()], 12),
            f" ({how}{xid}). " if len(members) > 1 else f"{xid}. ",
            proof,
        ]
    )
    when = (
        html.moment(group["committed_at"], timezone)
        if pd.notna(group["committed_at"])
        else html.between(group["lost_from"], group["lost_to"], timezone)
    )
    result = html.join(
        [
            html.join([_explained(one, members, transactions(found.removals, group["group"])) for one in statement[:1]])
            if statement
            else _unexplained(str(group["mechanism"]), len(members)),
            "When: ",
            when,
            f"; {group['repeated']}." if isinstance(group["repeated"], str) else ".",
            group_removals(found.removals, group["group"], timezone),
            _candidates(damaged, found),
        ]
    )
    impact = _impact(damaged, len(members) - len(damaged))
    causes = schemas.check(found.causes, "causes")
    ranked = causes[causes["group"] == group["group"]].sort_values("probability", ascending=False, kind="stable")
    said = [
        f"{words.cause(cause)} ({style.percent(cause['probability'])})" for cause in ranked.head(3).to_dict("records")
    ]
    return (
        f"{_headline(damaged, bool(pd.notna(group['xid'])))}{_open(group)} ({group['group']})",
        _shape(evidence, result, impact, f"Most probable: {'; then: '.join(said)}." if said else "The cause is open."),
    )


def _candidates(damaged: pd.DataFrame, found: SimpleNamespace) -> Html:
    """What else could have happened to the rows, and what would tell; nothing where one mechanism is left."""
    named = words.candidates(damaged, schemas.check(found.mechanism_probabilities, "mechanism_probabilities"))
    # Of a root and of what its cascade took each may be sure of its own: then nothing is open.
    if len(named) < 2 or (damaged["probability"].fillna(0) >= SURE).all():
        return html.text("")
    each = "; ".join(f"{words.rival(word, named[0][0])} ({_range(*least_and_most)})" for word, *least_and_most in named)
    said = tag("p", f"Candidates for what happened to the rows: {each}.")
    tests = schemas.check(found.next_tests, "next_tests")
    mine = [row for row in tests.to_dict("records") if any(name in row["test"] for name in names(damaged))]
    if not mine:  # the other checks tell who it was, and not what happened
        return said
    return html.join([said, tag("p", "What would tell them apart best: ", html.cited(mine[0]["test"])),
                      html.commands([mine[0]["command"]])])  # fmt: skip


def _range(least: float, most: float) -> str:
    """Two probabilities, or one where they read the same."""
    low, high = style.percent(least), style.percent(most)
    return high if low == high else f"{low} to {high}"


def _open(group: dict) -> str:
    """That it is not settled what took the rows, where other mechanisms together are likelier than the first."""
    settled = pd.isna(group["probability"]) or group["probability"] >= words.EVEN or group["mechanism"] == "hidden"
    return "" if settled else f"; what took them is not settled, perhaps {words.head('mechanism', group['mechanism'])}"


def _headline(damaged: pd.DataFrame, by_one: bool) -> str:
    """How many tables lost rows, as surely as is known; that they did together is known of one transaction's."""
    many = style.things(len(damaged), "table")
    if len(damaged) and (damaged["status"] == "hidden").all():
        return f"{many} whose rows are hidden"
    together = " together" if by_one and len(damaged) > 1 else ""
    sure = words.surely(damaged["status_probability"].min())
    fewer = int(damaged["missing_rows"].fillna(0).sum())
    if sure == "perhaps " and fewer:  # what is known comes first
        near = words.about_all(damaged)
        return f"{near}{style.things(fewer, 'row')} fewer than expected in {many}, perhaps lost{together}"
    return f"{many} {sure}lost rows{together}"


def _impact(damaged: pd.DataFrame, spared: int) -> str:
    """What it cost: rows gone, rows hidden, and tables that were reached and had nothing to lose."""
    unseen, gone = words.hidden_rows(damaged), int(damaged["missing_rows"].fillna(0).sum())
    unknown = [words.at_most(row) for row in damaged[damaged["missing_rows"].isna()].itertuples()]
    open_ = len(unknown)
    near = words.about_all(damaged)
    known = f"{near}{style.things(gone, 'row')} {'by estimate' if near else 'known to be'} missing"
    said = [known] if gone or not (unseen or open_) else []
    said += [f"{style.things(unseen, 'row')} hidden, none of them gone"] if unseen else []
    whose = "they" if open_ == len(damaged) else style.things(open_, "table")
    lost = f"how many rows {whose if len(damaged) > 1 else 'it'} lost is not known"
    most = sum(bound or 0 for bound in unknown)
    if open_ and None not in unknown and most:
        lost = f"at most {style.things(most, 'more row' if gone else 'row')} missing"
    lost = words.likely_all(damaged) or lost
    said += [lost] if open_ else []
    hit = f" {style.things(spared, 'more table')} {'was' if spared == 1 else 'were'} hit and held no row."
    more = hit if spared else ""
    noun = "table" if (damaged["status"] == "hidden").all() else "damaged table"
    return f"{style.things(len(damaged), noun)}: {', '.join(said)}.{more}"


def _explained(statement: dict, members: pd.DataFrame, many: int) -> Html:
    seen = "was seen" if pd.notna(statement["observed"]) and statement["observed"] else "is inferred, nobody logged it"
    condition = words.condition(statement, members)
    which = "One statement" if many < 2 else f"A statement like this, in each of {many:,} transactions,"
    return html.join(
        [
            f"{which} {words.reached(statement, int(members['status'].isin(style.DAMAGED).sum()))}. It {seen}:",
            html.sql(statement["text"]),
            f"{condition}. " if condition else "",
        ]
    )


def _carried_out(found: SimpleNamespace) -> set[str]:
    """Evidence rows of the statements that the state of the damaged tables proves."""
    return {proof for proofs in schemas.check(found.culprits, "culprits")["evidence"] for proof in proofs}


def _statements(
    statements: pd.DataFrame, proven: set[str], findings: pd.DataFrame, timezone: object
) -> list[tuple[str, Html]]:
    given = schemas.check(statements, "seen_statements").sort_values("at", kind="stable")
    found, sound = [], set(names(findings[findings["status"] == "intact"]))
    texts = given["text"].fillna("")
    kinds = texts if len(given) <= alike.FINDINGS else texts.map(alike.shape)  # thousands differ in their values only
    kinds = kinds.mask(given["at"].isna(), _logged(given, kinds))
    for (_, outcome), same in given.groupby([kinds, given["outcome"].fillna("unknown")], sort=False):
        explains = bool(proven & set(same["evidence"].dropna()))
        found.append((not explains, _statement(same.to_dict("records"), outcome, explains, sound, timezone)))
    return [told for _, told in sorted(found, key=lambda each: each[0])]  # what did it first, the others as they came


def _logged(statements: pd.DataFrame, kinds: pd.Series) -> pd.Series:
    """Of what counters tell, which hold no values, the kind of the statement that the log has of the same shape."""
    dated = statements["at"].notna()
    shapes = statements["text"].fillna("").map(alike.shape)
    first = dict(zip(shapes[dated][::-1], kinds[dated][::-1], strict=True))
    told = [first.get(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)]
    return pd.Series(told, kinds.index, dtype=kinds.dtype)


def _statement(same: list[dict], outcome: str, explains: bool, sound: set[str], timezone: object) -> tuple[str, Html]:
    first = same[0]
    operation = first["operation"] if isinstance(first["operation"], str) else "a destructive statement"
    who = [
        f"{word} {style.visible(named)}"
        for word, key in (("role", "user"), ("application", "application"), ("from", "client"))
        for named in [one[key] for one in same if isinstance(one[key], str) and one[key]][:1]
    ]
    dated = sum(pd.notna(one["at"]) for one in same)  # counters know no time: they tell of a statement once more
    times = [f"{dated:,} times, first "] if dated > 1 else [] if dated else ["at a time that is "]
    proof = html.ids(one["evidence"] for one in same)
    seen = html.join([html.join([*times, html.moment(first["at"], timezone, fine=True)]), *who, proof], ", ")
    removed = first["removed"] if isinstance(first["removed"], str) else "what it removed is not known"
    touched = html.join([" It names ", html.names(first["tables"]), "."]) if first["tables"] else ""
    said = style.visible(first["message"]) if isinstance(first["message"], str) else ""
    # Where only the statement was logged, the message repeats what stands above it.
    failed = f"It failed: {said}." if said and not said.startswith("statement: ") else "It failed."
    open_ = "No line of the log says how it ended."
    result = {"failed": failed, "rolled_back": "It was rolled back.", "committed": "It was committed."}
    impact = (
        html.join(["Removed ", html.cited(removed), ".", touched])
        if removed.startswith("nothing")
        else html.join([removed[:1].upper(), html.cited(removed[1:]), ".", touched])
    )
    open_title = "carried out" if explains else "outcome unknown"
    ended = open_title if outcome == "unknown" else outcome.replace("_", " ")
    texts = len({one["text"] for one in same if pd.notna(one["at"])})  # counters hold the same one without values
    others = tag("p", f"This is the first{alike.more(texts)}.") if texts > 1 else ""
    return f"{operation.upper().replace('_', ' ')}, {ended}", _shape(
        html.join([seen, html.sql(first["text"]), others]),
        result.get(outcome, open_),
        impact,
        _conclusion(same, outcome, explains, sound),
    )


def _conclusion(same: list[dict], outcome: str, explains: bool, sound: set[str]) -> str:
    """What a statement has to do with the loss, by its end, the rows that it found and the tables that it names."""
    if outcome == "failed":
        return "A failed statement is undone as a whole: it removed nothing. It shows what somebody meant to do."
    if outcome == "rolled_back":
        return "A transaction that was rolled back removes nothing."
    if explains or outcome == "carried_out":
        return "The state of the tables shows that it was carried out: it explains the damage above."
    however = "" if outcome == "committed" else ", however it ended"
    if all(str(one["removed"]).startswith("0 rows") for one in same):
        return f"It found no row to take: it is no part of a loss{however}."
    named = same[0]["tables"]
    if named and sound.issuperset(named):
        which = "The table" if len(named) == 1 else "Each table"
        return f"{which} that it names lacks no row: it is no part of a loss{however}."
    if outcome == "committed":
        return "It was carried out: it belongs to the causes that are weighed."
    return "It is among what may have cost rows, and is weighed with the causes."


def _loads(undone: pd.DataFrame | None, timezone: object) -> list[tuple[str, Html]]:
    given = schemas.empty("undone_loads") if undone is None else schemas.check(undone, "undone_loads")
    told = [vain.finding(row, timezone) for row in given.tail(MOST_LOADS).to_dict("records")]
    return [(title, _shape(*parts)) for title, *parts in told]


def _proofs(found: SimpleNamespace) -> dict[str, str]:
    """Ids of the evidence rows of the repository by their source: a path, or path and line."""
    evidence = getattr(found, "evidence", None)
    if evidence is None:
        return {}
    own = evidence[evidence["group"] == "repository"]
    return dict(zip(own["source"], own["id"], strict=True))


def _absent(states: pd.DataFrame | None) -> list[str]:
    """Migrations that this database has run and no file of the repository explains."""
    return [] if states is None else [str(each) for each in states.loc[states["state"] == "absent", "revision"]]


def _files(states: pd.DataFrame | None) -> int:
    """How many migration files were read, those without an operation too."""
    return 0 if states is None else int(states.loc[states["state"] != "absent", "path"].nunique())


def _migrations(
    operations: pd.DataFrame, proofs: Mapping[str, str], states: pd.DataFrame | None, statuses: pd.Series
) -> list[tuple[str, Html]]:
    absent, read = _absent(states), _files(states)
    given = schemas.check(operations, "migration_operations")
    given = given[given["direction"].fillna("up") == "up"]
    if given.empty:
        return []
    lost = pd.Series([sql.lost_by(row) for row in given.to_dict("records")], given.index)
    costly = given["operation"].isin(COSTS) | (lost == "visibility")
    removing, hiding = (int((lost == word).sum()) for word in ("rows", "visibility"))
    listed = html.join([_file(path, own, proofs) for path, own in given[costly].groupby("path", sort=True)])
    rest = given[~costly]
    if len(rest):
        others = html.join([_file(path, own, proofs) for path, own in rest.groupby("path", sort=True)])
        where = html.ids((proofs.get(str(path)) for path in sorted(set(rest["path"]) - set(given["path"][costly]))), 4)
        listed = html.join([listed, where, html.folded(f"{style.things(len(rest), 'other operation')}", others)])
    files = len(set(given["path"]))
    some = style.things(files, "migration file") if files >= read else f"{files:,} of {read:,} migration files"
    result = f"{style.things(len(given), 'operation')} forward in {some}; when each ran is in the timeline."
    values = bool((lost != "").sum() - removing - hiding)
    impact = (
        f"{removing or 'None'} of them can remove rows{'; they may cost values' if values and not removing else ''}."
    )
    impact += f" {hiding} of them can hide rows that stand." if hiding else ""
    conclusion = (
        "They are weighed among the causes."
        if removing
        else "What they hide can be why rows that stand are not seen."
        if hiding and (statuses == "hidden").any()
        else "No row is missing that they would have to explain."
        if len(statuses) and (statuses == "intact").all()
        else "Migrations do not explain the missing rows by what these files say."
    )
    if absent:
        some = f"{', '.join(absent[:4])}{f' and {len(absent) - 4} more' if len(absent) > 4 else ''}"
        conclusion += f" What else ran is not in them: {some} ran here and no file of the repository says what it does."
    return [("What the migrations do", _shape(listed, result, impact, conclusion))]


def _file(path: object, own: pd.DataFrame, proofs: Mapping[str, str]) -> Html:
    rows = own.sort_values("line", kind="stable").to_dict("records")
    said = [_operation(row, proofs.get(f"{path}:{row['line']}")) for row in rows]
    more = html.folded(f"{len(said) - 8:,} more", *said[8:]) if len(said) > 8 else ""
    return html.join([html.name(path), " ", html.ids([proofs.get(str(path))]), *said[:8], more])


def _operation(row: dict, proof: str | None) -> Html:
    line = f"line {int(row['line'])}" if pd.notna(row["line"]) else "line not known"
    cascade = " with CASCADE" if pd.notna(row["cascade"]) and row["cascade"] else ""
    known = sql.OPERATIONS.get(str(row["operation"]))
    cost = f" {COSTS[known.name]}" if known and known.name in COSTS else ""
    if known and not cost and sql.lost_by(row) == "visibility":
        cost = f": {known.meaning}"
    if known and known.loses == "rows" and not sql.lost_by(row):
        cost = " takes nothing that stood before: the same file makes it, takes it back or never reaches it"
    return tag(
        "p",
        f"{line}: {str(row['operation']).replace('_', ' ').upper()}{cascade} ",
        html.name(row["object"]),
        f"{cost}.",
        html.join([" ", html.ids([proof])]) if proof else "",
        html.sql(row["text"]),
    )


def _bared(found: SimpleNamespace) -> list[tuple[str, Html]]:
    """Keys, numbering and so on that went with the rows: the tables stand, and are not what they were."""
    given = schemas.check(found.findings, "findings")
    bare = by_urgency(given[given["parts_lost"].map(len) > 0])
    if bare.empty:
        return []
    noted = schemas.check(found.evidence, "evidence")
    proofs = noted[noted["source"].eq("pg_constraint") | noted["says"].str.startswith("null value in column")]
    listed = [tag("li", html.name(schemas.qualified(row.schema, row.table)), f": {', '.join(row.parts_lost)}. ",
                  html.ids(proofs.loc[proofs["id"].isin(row.because), "id"]))
              for row in bare.head(20).itertuples()]  # fmt: skip
    more = tag("p", f"and {len(bare) - 20:,} more tables") if len(bare) > 20 else ""
    return [
        (
            f"Keys, numbering or triggers went with the rows of {style.things(len(bare), 'table')}",
            _shape(
                html.join([tag("ul", *listed), more]),
                "Migrations or the log declare them, and it lacks them now: what made the table anew left them out.",
                "Two rows may get the same key, a row may refer to nothing, and a column without its numbering refuses "
                "rows or takes them without a number.",
                "No row that comes back brings them: the last commands of each way back make them anew.",
            ),
        )
    ]


def _patterns(findings: pd.DataFrame) -> list[tuple[str, Html]]:
    given = schemas.check(findings, "findings")
    odd = by_urgency(
        given[(given["inserts"].fillna(0) > 0) & (given["deletes"].fillna(-1) == 0) & (given["actual_rows"] == 0)]
    )
    if odd.empty:
        return []
    each = [
        tag(
            "li",
            html.name(schemas.qualified(row.schema, row.table)),
            f": {row.inserts:,} inserts, 0 deletes, 0 rows now. ",
            html.ids(row.because),
        )
        for row in odd.head(20).itertuples()
    ]
    more = tag("p", f"and {len(odd) - 20:,} more tables") if len(odd) > 20 else ""
    verdict = "; ".join(
        f"{words.mechanism(word)} ({style.things(count, 'table')})"
        for word, count in odd["mechanism"].value_counts().items()
    )
    return [
        (
            "Tables with inserts, no deletes and no rows",
            _shape(
                html.join([tag("ul", *each), more]),
                "The rows did not go by a counted DELETE.",
                "Such counters are left by TRUNCATE, DROP, a rolled-back load, a reset UNLOGGED table or another data "
                "directory.",
                f"Most probable for these tables: {verdict}.",
            ),
        )
    ]


def _ties(foreign_keys: pd.DataFrame, findings: pd.DataFrame) -> list[tuple[str, Html]]:
    keys, given = schemas.check(foreign_keys, "foreign_keys"), schemas.check(findings, "findings")
    damaged = set(names(given[given["status"].isin(style.DAMAGED)]))
    near = keys[keys["child"].isin(damaged) | keys["parent"].isin(damaged)]
    leading = set(given.loc[given["status"].isin(style.DAMAGED), "mechanism"])
    if near.empty or not leading & words.LED_ON:
        return []
    counts = near["on_delete"].value_counts()
    said = ", ".join(f"{count:,} {str(word).replace('_', ' ').upper()}" for word, count in counts.items())
    between = near[near["child"].isin(damaged) & near["parent"].isin(damaged)]
    carrying = between[between["on_delete"] == "cascade"]
    truncated = leading & {"truncate", "unknown"}
    impact = "A DELETE goes on to rows that refer to the deleted ones by ON DELETE CASCADE, and to no others."
    conclusion = (
        "The tables that these join can have lost their rows by one DELETE."
        if len(carrying)
        else "No DELETE on one damaged table took rows of another along: each was deleted from."
    )
    if between.empty:
        conclusion = "No key joins two damaged tables: none of them lost its rows with another of these."
        led = given[given["status"].isin(style.DAMAGED) & (given["mechanism"] == "cascade_delete")]
        above = sorted(set(near["parent"][near["child"].isin(names(led)) & (near["on_delete"] == "cascade")]))
        if above:  # undecided itself, or its rows were written again
            which = ", ".join(style.visible(each) for each in above[:4])
            conclusion += f" A DELETE on {which}, which is not among them, would have taken their rows along."
    elif truncated:
        impact = "DELETE follows ON DELETE CASCADE only; TRUNCATE … CASCADE follows every key, whatever ON DELETE says."
        conclusion = "Keys without CASCADE therefore do not rule out that one statement emptied all of these tables."
    return [
        (
            "Foreign keys of the damaged tables",
            _shape(
                html.join(
                    [
                        f"{style.things(len(near), 'foreign key')} of a damaged table: {said}. ",
                        html.ids(near["evidence"]),
                    ]
                ),
                f"{len(between)} {'joins' if len(between) == 1 else 'join'} two damaged tables, "
                f"{len(carrying) or 'none'} of these ON DELETE CASCADE."
                if len(between)
                else "None joins two damaged tables.",
                html.join([impact, _let_go(near, given)]),
                conclusion,
            ),
        )
    ]


def _let_go(near: pd.DataFrame, findings: pd.DataFrame) -> Html:
    """Rows that stand and whose reference a DELETE has cleared: nobody counts them among the missing."""
    gone = set(names(findings[findings["mechanism"].isin(("delete", "cascade_delete"))]))
    cleared = near[near["on_delete"].isin(("set_null", "set_default")) & near["parent"].isin(gone)]
    return html.join(
        tag(
            "p", "Rows of ", html.name(key["child"]), " stand, but each that referred to a deleted row of ",
            html.name(key["parent"]), " has lost that reference (",
            f"{', '.join(key['columns'])} ON DELETE {str(key['on_delete']).replace('_', ' ').upper()}). Their former ",
            "versions hold it, as dead rows and in the WAL: keep that table from vacuum and SELECT, too.",
        )
        for key in cleared.head(4).to_dict("records")
    )  # fmt: skip
