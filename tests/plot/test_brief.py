"""The first screen: every question of a reader is answered in words, and one picture shows the loss."""

from __future__ import annotations

from xml.etree import ElementTree

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from triage_kit import plot, schemas
from triage_kit.plot import sources, words
from triage_kit.plot.glance import MOST, fate, glance
from triage_kit.report import sanitise

FINDINGS = [
    {"schema": "m", "table": "assets", "kind": "table", "status": "wiped", "missing_rows": 48_000_000,
     "expected_rows": 48_000_000, "actual_rows": 0, "group": "G1", "mechanism": "truncate", "probability": 0.98},
    {"schema": "m", "table": "flows", "kind": "table", "status": "partial", "missing_rows": 40, "expected_rows": 42,
     "actual_rows": 2, "group": "G1", "mechanism": "truncate", "probability": 0.97, "via": "m.assets"},
    {"schema": "m", "table": "users", "kind": "table", "status": "intact", "missing_rows": 0, "actual_rows": 11},
]  # fmt: skip
INCIDENT = {"timezone": "Europe/Berlin", "noticed_at": pd.Timestamp("2025-10-08T10:37:29Z")}


def screen(**changed: list[dict]) -> BeautifulSoup:
    """The first screen of a small incident; a frame is given as its rows."""
    frames: dict[str, list[dict]] = {
        "findings": FINDINGS,
        "groups": [{"group": "G1", "xid": 742, "tables": ["m.assets", "m.flows"], "dated_by": "commit record",
                    "committed_at": "2025-10-07T20:27:38.5Z", "mechanism": "truncate", "probability": 0.98}],
        "causes": [{"group": "G1", "cause": "manual_session", "title": "Somebody by hand", "probability": 0.8,
                    "for": ["E3"]}, {"group": "G1", "cause": "unknown", "title": "Unknown", "probability": 0.2}],
        "recovery": [{"option": "pitr", "feasible": True, "rows": 178, "why": "archived", "effort": "40 minutes",
                      "brings_not": "later rows", "because": ["E9"]}],
        "explaining_statements": [{"group": "G1", "text": "TRUNCATE m.assets CASCADE", "explained": 2, "of": 2,
                                   "extra": 0, "observed": False, "evidence": "E5"}],
        "gaps": [{"source": "statements", "reason": "not installed", "costs": "which statements ran: their text"}],
        "freeze": [{"order": 1, "action": "Stop the writers", "deadline": "2025-10-08T11:05:00Z"}],
        "decisions": [{"order": 1, "who": "the owner of the shop", "decision": "Stop it or not"}],
        **changed,
    }  # fmt: skip
    made = {name: schemas.frame(name, rows) for name, rows in frames.items()}
    markup = plot.summary(made["findings"], made["groups"], made["causes"], made["recovery"], INCIDENT,
                          made["explaining_statements"], made["gaps"], made["freeze"], made["decisions"],
                          coverage=made.get("coverage"), evidence=made.get("evidence"))  # fmt: skip
    return BeautifulSoup(markup, "html.parser")


def answers(page: BeautifulSoup) -> dict[str, str]:
    return {word.get_text(): word.find_next("dd").get_text() for word in page.find_all("dt")}


def test_every_question_of_a_reader_has_its_answer() -> None:
    page = screen()
    said = answers(page)
    assert "2 tables are damaged, 48,000,040 rows are missing" in page.find(class_="lead").get_text()
    assert said["What did it"] == (
        "Emptied by TRUNCATE (98 % sure): TRUNCATE m.assets CASCADE (inferred, nobody logged it; accounts for both "
        "tables that were hit, and for no other). E5"
    )
    assert said["Who"] == "Somebody by hand (80 %); next: Not known (20 %). Because of E3"
    assert said["Since when"] == (
        "2025-10-07 20:27:38.500000 UTC (22:27:38.500000 Europe/Berlin) (by commit record), transaction 742; "
        "noticed 2025-10-08 10:37:29 UTC (12:37:29 Europe/Berlin)"
    )
    assert said["Can it come back"] == (
        "Yes: 178 of 48,000,040 rows, by point-in-time recovery (takes 40 minutes). Does not bring: later rows. "
        "Recovery options E9"
    )
    assert said["Stop now"].startswith("Stop the writers, before 2025-10-08 11:05:00 UTC")
    assert said["To decide"] == "The owner of the shop: Stop it or not"
    assert said["Not seen"] == "which statements ran (statements); why: Gaps and provenance"
    assert {link["href"] for link in page.find_all("a")} >= {"#E3", "#E5", "#E9", "#s-stop-these-things-now"}


HIDDEN = {
    **{"schema": "m", "table": "slips", "kind": "table", "status": "hidden", "missing_rows": 0, "hidden_rows": 240},
    **{"expected_rows": 240, "actual_rows": 240, "group": "G1", "mechanism": "hidden", "probability": 0.8},
}


def test_what_cannot_wait_is_the_first_answer() -> None:
    assert next(iter(answers(screen()))) == "Stop now"


def test_a_table_made_anew_is_not_called_dropped_alone_nor_told_from_a_restore_by_it() -> None:
    row = {"schema": "m", "table": "snow", "kind": "table", "status": "partial", "group": "G1", "actual_rows": 56,
           "expected_low": 56, "former_rows": 64, "mechanism": "restore", "probability": 0.61}  # fmt: skip
    found = schemas.frame("findings", [row])
    chances = schemas.frame("mechanism_probabilities", [
        {"schema": "m", "table": "snow", "mechanism": word, "probability": chance}
        for word, chance in (("restore", 0.61), ("recreate", 0.39))])  # fmt: skip
    group = schemas.frame("groups", [{"group": "G1", "mechanism": "restore", "probability": 0.61}])
    page = BeautifulSoup(plot.summary(found, group, schemas.empty("causes"), schemas.empty("recovery"), INCIDENT,
                                      chances=chances), "html.parser")  # fmt: skip
    assert "m.snow (dropped and made anew, 64 old rows in the WAL)" in page.find(class_="lead").get_text()
    assert answers(page)["What did it"] == (
        "Rows replaced by an older state (61 % sure; else made anew in another way, 39 %)"
    )
    gone = schemas.frame("findings", [{**row, "actual_rows": None}])
    assert "dropped," in words.gone(next(gone.itertuples()))


def test_one_more_table_is_drawn_and_two_are_counted() -> None:
    row = {"schema": "m", "kind": "table", "status": "wiped", "expected_rows": 9, "actual_rows": 0, "missing_rows": 9}
    for tables, bars, rest in ((8, 8, ""), (9, MOST, "and 2 wiped")):
        drawn = glance(schemas.frame("findings", [{**row, "table": f"t{n}"} for n in range(tables)])).svg
        assert drawn.count('class="frame"') == bars
        assert rest in drawn
        assert ("wiped</text>" in drawn) is bool(rest)


def test_a_table_that_people_named_is_told_beside_the_damaged_ones() -> None:
    asked = {"schema": "m", "table": "sessions", "kind": "table", "status": "undecided", "reported": True,
             "actual_rows": 2, "deletes": 3000}  # fmt: skip
    lead = screen(findings=[*FINDINGS, asked]).find(class_="lead").get_text()
    assert lead.endswith(
        "People named besides: m.sessions undecided (2 rows there; 3,000 were deleted, wanted or not)."
    )
    assert "People named" not in screen().find(class_="lead").get_text()


def test_a_line_is_not_said_to_be_that_of_a_cause_that_is_not_settled() -> None:
    did = schemas.frame("culprits", [{"group": "G1", "path": "m/7.py", "line": 7, "ran": "applied"}])
    for cause, chance, lead in (("migration", 0.8, "Its line: "), ("unknown", 0.4, "A line that would do it: ")):
        causes = schemas.frame("causes", [{"group": "G1", "cause": cause, "title": "t", "probability": chance}])
        groups = schemas.frame("groups", [{"group": "G1", "mechanism": "truncate", "probability": 0.98}])
        page = plot.summary(schemas.frame("findings", FINDINGS), groups, causes, schemas.empty("recovery"), INCIDENT,
                            culprits=did)  # fmt: skip
        assert lead in answers(BeautifulSoup(page, "html.parser"))["Who"]


def test_what_hides_rows_is_said_by_the_row_that_proves_it() -> None:
    row = {"id": "E4", "row": "m.slips", "says": "m.slips: row security is on: mine shows app only rows with (a = 1)"}
    page = screen(
        findings=[{**HIDDEN, "because": ["E4", "E2"]}],
        groups=[{"group": "G1", "tables": ["m.slips"], "mechanism": "hidden", "probability": 0.8}],
        explaining_statements=[],
        evidence=[row],
    )
    assert answers(page)["What did it"].endswith(": row security is on: mine shows app only rows with (a = 1). E4")


def test_hidden_rows_are_not_called_missing() -> None:
    page = screen(findings=[HIDDEN], explaining_statements=[])
    lead = page.find(class_="lead").get_text()
    assert lead.startswith("No row is known to be gone, 240 rows are hidden from the application in 1 table: m.slips")
    assert "missing" not in lead
    both = screen(findings=[*FINDINGS, HIDDEN]).find(class_="lead").get_text()
    assert "2 tables are damaged, 48,000,040 rows are missing; besides, 240 rows are hidden" in both
    assert "240 rows hidden" in texts(glance(schemas.frame("findings", [HIDDEN])).svg)


def test_an_inferred_delete_that_spared_rows_had_a_condition() -> None:
    left = {**FINDINGS[1], "mechanism": "delete", "via": None, "old_rows_left": 2}
    told = {"group": "G1", "text": "DELETE FROM m.flows", "explained": 1, "of": 1, "extra": 0, "observed": False}
    said = answers(screen(findings=[left], explaining_statements=[told]))["What did it"]
    assert "Its condition (WHERE) is not known" in said
    seen = answers(screen(findings=[left], explaining_statements=[{**told, "observed": True}]))["What did it"]
    assert "condition" not in seen


def test_a_cause_below_half_is_not_settled() -> None:
    causes = [{"group": "G1", "cause": "application", "title": "The application ran it", "probability": 0.4},
              {"group": "G1", "cause": "migration", "title": "A migration ran it", "probability": 0.3}]  # fmt: skip
    said = answers(screen(causes=causes))["Who"]
    assert said == ("Not settled. Most probable: The application ran it (40 %); next: A migration ran it (30 %)")


def test_a_cause_that_is_not_known_is_not_called_the_most_probable_one() -> None:
    causes = [{"group": "G1", "cause": "unknown", "title": "x", "probability": 0.43},
              {"group": "G1", "cause": "restore", "title": "A restore", "probability": 0.12}]  # fmt: skip
    assert answers(screen(causes=causes))["Who"] == "Not settled. Not known (43 %); next: A restore (12 %)"


def test_an_undecided_table_is_not_said_to_be_undecided_for_sure() -> None:
    table = {**FINDINGS[2], "reported": True, "status": "undecided", "status_probability": 0.47, "actual_rows": 0}
    lead = screen(findings=[table], groups=[]).find(class_="lead").get_text()
    assert "m.users undecided (0 rows there)" in lead


def test_a_false_alarm_says_of_the_named_tables_how_sure_that_is() -> None:
    sound = {**FINDINGS[2], "reported": True, "status_probability": 0.88}
    lead = screen(findings=[sound], groups=[]).find(class_="lead").get_text()
    assert lead == (
        "No table is known to have lost rows (1 intact). Of the tables that people named: m.users intact (88 % sure, "
        "11 rows there)."
    )


@pytest.mark.parametrize(
    ("reported", "look"), [((True, False), "open"), ((False, True), "calm"), ((False, False), "open")]
)
def test_a_named_table_that_is_undecided_keeps_the_page_from_being_calm(reported, look) -> None:
    states = zip(("open", "sound"), ("undecided", "intact"), reported, strict=True)
    tables = [{**FINDINGS[2], "table": name, "reported": named, "status": status} for name, status, named in states]
    shown = screen(findings=tables, groups=[], recovery=[])
    assert look in shown.find(class_="brief")["class"]
    settled = "No table is known to have lost rows" in shown.find(class_="lead").get_text()
    assert settled == (look == "calm")
    assert "not settled" in answers(shown)["Can it come back"]


def test_several_losses_each_have_their_answers_and_more_than_three_are_counted() -> None:
    groups = [{"group": f"G{n}", "lost_from": "2025-10-07T20:00:00Z", "lost_to": "2025-10-07T20:00:00.7Z"}
              for n in range(1, 6)]  # fmt: skip
    said = answers(screen(groups=groups))
    assert [word for word in said if word.startswith("What")] == ["What did it (G1)", "What did it (G2)",
                                                                  "What did it (G3)"]  # fmt: skip
    assert said["More losses"].startswith("2 more groups")
    assert "20:00:00 UTC (22:00:00 Europe/Berlin) and 2025-10-07 20:00:00.700000 UTC" in said["What did it (G2)"]


@pytest.mark.parametrize(("known", "words"), [(None, "Not known yet"), (False, "No way back is known")])
def test_an_open_way_back_is_not_called_a_way_back(known: bool | None, words: str) -> None:
    assert answers(screen(recovery=[{"option": "pitr", "feasible": known}]))["Can it come back"].startswith(words)


def test_tables_that_were_hit_and_held_nothing_are_told_from_those_that_lost_rows() -> None:
    empty = {
        **FINDINGS[2],
        "table": "drafts",
        "actual_rows": 0,
        "group": "G1",
        "mechanism": "truncate",
        "via": "m.assets",
    }
    told = {"group": "G1", "text": "TRUNCATE m.assets CASCADE", "explained": 3, "of": 3, "extra": 0, "observed": True}
    page = screen(findings=[*FINDINGS, empty], explaining_statements=[told])
    drawn = glance(schemas.frame("findings", [*FINDINGS, *[{**empty, "table": f"d{n}"} for n in range(7)]]))
    assert texts(drawn.svg)[-1] == "and 8 intact (7 of them hit as well, but empty)"
    assert "all 3 tables that were hit (2 held rows, 1 held none)" in answers(page)["What did it"]


def test_a_table_that_was_emptied_and_written_to_again_is_not_said_to_keep_old_rows() -> None:
    again = {**FINDINGS[1], "old_rows_left": 0}
    page = screen(findings=[again])
    assert "m.flows (emptied, 40 rows missing, 2 newer rows there)" in page.find(class_="lead").get_text()
    assert "40 gone, 2 newer there" in texts(glance(schemas.frame("findings", [again])).svg)
    kept = {**FINDINGS[1], "old_rows_left": 2}
    assert "m.flows (partial, 40 rows missing)" in screen(findings=[kept]).find(class_="lead").get_text()
    listed = BeautifulSoup(plot.table_list(schemas.frame("findings", [again, kept])), "html.parser").get_text()
    assert "none of the old rows is left, the 2 rows there came later" in listed
    assert "up to 2 old rows left" in listed  # some may have been written since


def test_the_headline_names_every_table_that_was_hit_or_says_how_many_more() -> None:
    def lead(many: int) -> str:
        hit = [{**FINDINGS[0], "table": f"t{n:02}"} for n in range(many)]
        return screen(findings=[*hit, FINDINGS[2]]).find(class_="lead").get_text()

    gone = "(wiped, 48,000,000 rows missing)"
    assert f"missing: m.t00 {gone}, m.t01 {gone}, m.t02 {gone}. The others: 1 intact" in lead(3)
    assert f"m.t00 {gone}, m.t01 {gone}, m.t02, m.t03, m.t04. The others" in lead(5)
    assert f"m.t01 {gone} and 18 more. The others" in lead(20)


def test_a_bound_of_no_row_is_none_for_a_table_that_was_hit() -> None:
    """n_live_tup counts every row that came since, and none that was lost: nothing bounds what is missing."""
    unsure = {**FINDINGS[1], "missing_rows": None, "expected_rows": 42, "expected_high": 42, "actual_rows": 42}
    for high, said in ((42, "how many rows are missing is not known"), (50, "at most 8 rows are missing")):
        assert said in screen(findings=[{**unsure, "expected_high": high}]).find(class_="lead").get_text()


def test_what_is_dotted_ends_beyond_what_is_filled() -> None:
    unsure = {**FINDINGS[1], "missing_rows": None, "expected_rows": None, "expected_high": 42, "actual_rows": 42}
    for row, share in ((unsure, 0.8), ({**unsure, "missing_rows": 0, "expected_rows": 42, "status": "intact"}, 1)):
        drawn = ElementTree.fromstring(glance(schemas.frame("findings", [row])).svg)
        wide = {each.get("class"): float(each.get("width")) for each in drawn.iter() if each.get("width")}
        filled = next(width for look, width in wide.items() if look != "frame")
        assert filled == pytest.approx(share * wide["frame"], rel=0.01)


def test_every_page_says_what_was_not_seen() -> None:
    whole = [{"source": "questions", "read": "38 of 38 answered"}]
    lacking = [*whole, {"source": "not named in the case", "read": "backups, an earlier bundle"}]
    said = answers(screen(gaps=[], coverage=lacking))["Not seen"]
    assert said == (
        "Every question to the server was answered; what it neither logs nor counts, no answer tells. Not named in the "
        "case: backups, an earlier bundle. Gaps and provenance"
    )
    assert answers(screen(gaps=[], coverage=whole))["Not seen"].startswith("Every question to the server was answered")
    some = answers(screen(coverage=lacking))["Not seen"]
    assert "which statements ran" in some
    assert "Not named in the case: backups" in some
    for gaps in ([], [{"source": "wal", "reason": "denied", "costs": "which transaction"}]):
        listed = str(plot.gap_list(schemas.frame("gaps", gaps), schemas.frame("coverage", lacking)))
        assert "Not named in the case: backups, an earlier bundle." in listed
        assert "none" not in BeautifulSoup(listed, "html.parser").get_text()


def test_a_dated_loss_misses_no_clock_before_what_it_misses_most() -> None:
    gaps = [{"source": "commit_times", "costs": "the time"}, {"source": "sequences", "costs": "the numbers"},
            {"source": "locks", "costs": "the waits"}, {"source": "columns", "costs": "the types"}]  # fmt: skip
    said = answers(screen(gaps=gaps))["Not seen"]
    assert "the time" not in said
    assert "; 1 more question without an answer: " in said
    assert answers(screen(gaps=gaps[:1]))["Not seen"].startswith("1 question without an answer, of no weight here")
    open_ = [{"group": "G1", "lost_from": "2025-10-07T20:00:00Z", "lost_to": "2025-10-07T21:00:00Z"}]
    assert answers(screen(gaps=gaps, groups=open_))["Not seen"].startswith("the time")


@pytest.mark.parametrize(
    ("rows", "words"), [(48_000_040, "all 48,000,040 rows"), (50_000_000, "up to all 48,000,040 rows")]
)
def test_more_rows_than_are_missing_are_not_promised(rows: int, words: str) -> None:
    way = {"option": "dead_rows", "feasible": True, "rows": rows}
    assert answers(screen(recovery=[way]))["Can it come back"].startswith(f"Yes: {words}, by")
    assert answers(screen(recovery=[{**way, "tables": ["m.assets", "m.flows"]}]))["Can it come back"].startswith(
        "Yes: "
    )
    said = answers(screen(recovery=[{**way, "tables": ["m.assets"]}]))["Can it come back"]
    assert said.startswith(f"In part: up to {rows:,} rows, by")
    assert "; no row of m.flows." in said


def test_bars_show_how_many_rows_a_table_has() -> None:
    rows = [{**FINDINGS[0], "table": f"t{n}", "missing_rows": n, "expected_rows": n} for n in (1000, 500, 100, 1)]
    drawn = glance(schemas.frame("findings", rows))
    frames = [float(each.get("width") or 0) for each in ElementTree.fromstring(drawn.svg).iter()
              if each.get("class") == "frame"]  # fmt: skip
    assert frames[:3] == pytest.approx([399, 199.5, 39.9])
    assert 4 < frames[3] < 20  # long enough to be seen, and the key says so
    assert "the shortest bars are drawn longer" in " ".join(texts(drawn.svg)[:2])


def test_the_picture_shows_the_worst_and_counts_the_rest() -> None:
    many = [{**FINDINGS[0], "table": f"t{n}"} for n in range(20)]
    drawn = glance(schemas.frame("findings", [*many, FINDINGS[2]]))
    words = texts(drawn.svg)
    assert words.count("48,000,000 of 48,000,000 gone") == MOST
    assert words[-1] == "and 13 wiped, 1 intact"
    assert "m.t0: 48,000,000 of 48,000,000 gone" in drawn.says


def texts(svg: str) -> list[str | None]:
    return [each.text for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("}text")]


def test_the_picture_without_damage_shows_what_stands() -> None:
    assert "11 rows stand" in texts(glance(schemas.frame("findings", [FINDINGS[2]])).svg)
    assert glance(schemas.empty("findings")).svg.startswith("<svg")


def test_the_page_keeps_the_picture() -> None:
    kept = BeautifulSoup(sanitise.svg(glance(schemas.frame("findings", FINDINGS)).svg), "html.parser")
    assert len(kept.find_all("path", class_="gone")) == 2  # what is hatched in both damaged tables


@pytest.mark.parametrize(("source", "asked"), [
    ("pg_class", "relations"), ("pg_stat_user_tables", "table_counters"), ("log/a.log:17", "log:log/a.log"),
    ("alembic/versions/086.py:106", "migrations"), ("8dcd87e0ec57", "commits"), ("case.yaml", "case.yaml"),
])  # fmt: skip
def test_an_evidence_row_leads_to_what_was_asked(source: str, asked: str) -> None:
    row = schemas.frame("evidence", [{"id": "E1", "says": "x", "source": source}])
    link = BeautifulSoup(plot.evidence_list(row), "html.parser").find("td").parent.find("a")
    listed = schemas.frame("questions", [{"source": asked, "status": "answered", "rows": 3, "role": "triage"}])
    targets = {each["id"] for each in BeautifulSoup(plot.source_list(listed), "html.parser").find_all("tr", id=True)}
    assert link["href"].removeprefix("#") in targets


def test_the_source_of_an_answer_names_its_file_and_hash() -> None:
    asked = schemas.frame("questions", [
        {"source": "relations", "status": "answered", "rows": 16, "role": "triage", "variant": "relations/130000"},
        {"source": "statements", "status": "unavailable", "reason": "not installed"}])  # fmt: skip
    files = [{"kind": "table", "table": "relations", "path": "relations.parquet", "sha256": "ab" * 32}]
    text = BeautifulSoup(plot.source_list(asked, files=files), "html.parser").get_text()
    assert "relations.parquet" in text
    assert "abababababababab" in text
    assert "unavailable: not installed" in text
    assert sources.place("a b") != sources.place("a.b")


def test_a_long_name_leaves_room_for_its_numbers() -> None:
    row = {**FINDINGS[0], "table": "n" * 63, "expected_rows": 48_000_000, "missing_rows": 48_000_000}
    words = texts(glance(schemas.frame("findings", [row])).svg)
    name, fate = words[1], words[2]
    assert name is not None
    assert fate == "48,000,000 of 48,000,000 gone"
    assert len(name) + len(fate) <= 62


def test_a_way_that_this_role_may_not_take_is_not_promised_without_saying_so() -> None:
    way = {"option": "dead_rows", "feasible": True, "rows": 9, "effort": "hours", "preconditions":
           ("ok: pageinspect is installed", "bad: clerk is no superuser, which it takes")}  # fmt: skip
    assert "Beware: clerk is no superuser, which it takes." in answers(screen(recovery=[way]))["Can it come back"]
    able = way | {"preconditions": ("ok: pageinspect is installed",)}
    assert "Beware" not in answers(screen(recovery=[able]))["Can it come back"]


def test_of_an_undecided_table_the_first_screen_tells_what_was_deleted() -> None:
    table = {**FINDINGS[2], "status": "undecided", "reported": True, "actual_rows": 66, "deletes": 14}
    lead = screen(findings=[table], groups=[], recovery=[]).find(class_="lead").get_text()
    assert "m.users undecided (66 rows there; 14 were deleted, wanted or not)" in lead


def test_an_unsettled_mechanism_is_called_so_before_it_is_named() -> None:
    group = {"group": "G1", "mechanism": "truncate", "probability": 0.44}
    assert answers(screen(groups=[group]))["What did it"].startswith("Not settled. Most probable: Emptied by TRUNCATE")


def test_a_further_loss_is_told_in_short_with_its_tables_its_time_and_who() -> None:
    tables = [*FINDINGS, {**FINDINGS[1], "table": "legs", "group": "G2", "via": None}]
    second = {"mechanism": "delete", "probability": 0.9, "committed_at": "2025-10-07T20:27:38.5Z"}
    groups = [{"group": "G1", "mechanism": "truncate", "probability": 0.98}, {"group": "G2", **second}]
    causes = [{"group": name, "cause": "manual_session", "title": "Somebody by hand", "probability": 0.8}
              for name in ("G1", "G2")]  # fmt: skip
    said = answers(screen(findings=tables, groups=groups, causes=causes))
    assert [word for word in said if "G2" in word] == ["What did it (G2)"]
    assert said["What did it (G2)"] == (
        "m.legs: Rows deleted by DELETE (90 % sure); 2025-10-07 20:27:38.500000 UTC (22:27:38.500000 Europe/Berlin). "
        "Cause: by hand (80 %)."
    )


def test_figures_of_an_older_state_agree_wherever_they_stand() -> None:
    common = {"schema": "m", "kind": "table", "status": "partial", "mechanism": "restore", "probability": 0.96}
    counted = {**common, "table": "paid", "actual_rows": 17_400, "old_rows_left": 17_400, "former_rows": 20_000,
               "likely_missing": 2_600}  # fmt: skip
    uncounted = {**common, "table": "bills", "actual_rows": 20_500, "old_rows_left": 20_500, "former_rows": 0}
    found = schemas.frame("findings", [counted, uncounted])
    paid, bills = found.itertuples()
    assert words.gone(paid) == "dropped and made anew, probably about 2,600 missing, 20,000 old rows in the WAL"
    assert fate(paid) == "probably about 20,000 expected, 17,400 now"
    assert words.gone(bills) == "dropped and made anew, with older contents"
    assert fate(bills) == "20,500 now, with older contents"
    table = BeautifulSoup(plot.table_list(found), "html.parser").find("table")
    told = {cells[0]: cells[1:] for row in table.find_all("tr")[1:]
            if (cells := [cell.get_text() for cell in row.find_all(["th", "td"])])}  # fmt: skip
    assert told["m.paid"][:3] == ["probably about 20,000", "17,400", "about 2,600, probably"]
    assert told["m.bills"][:3] == ["not known", "20,500", "not known"]
    assert "up to 20,500 old rows left, without what was changed since they were copied" in told["m.bills"][6]


def test_as_many_rows_with_other_contents_are_not_called_zero_missing() -> None:
    row = {"schema": "m", "table": "a", "status": "partial", "mechanism": "restore", "actual_rows": 9,
           "missing_rows": 0, "expected_rows": 9, "old_rows_left": 9}  # fmt: skip
    assert words.gone(next(schemas.frame("findings", [row]).itertuples())) == (
        "partial, as many rows as before, with other contents"
    )
