"""What to do next: all that is to be frozen before anything is brought back, and whom to ask, group by group."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import schemas
from triage_kit.analyse import decisions, freeze, steps
from triage_kit.analyse.losses import Loss

AT = pd.Timestamp("2025-10-07T20:27:38Z")


def frames(**given: list[dict]) -> list[pd.DataFrame]:
    names = ("freeze", "recovery", "causes", "gaps", "undone_loads")
    return [schemas.frame(name, given.get(name, [])) for name in names]


def cause(group: str, word: str, chance: float, **more: object) -> dict:
    return {"group": group, "cause": word, "title": word.replace("_", " ").capitalize(), "probability": chance,
            "for": (f"E-{group}-{word}",), "against": (), "would_settle": "the log of that time", **more}  # fmt: skip


def test_every_step_of_the_freeze_list_comes_before_the_way_back() -> None:
    freeze = [{"order": number, "action": f"step {number}", "why": "w", "because": ("E1",)} for number in range(1, 8)]
    way = {"order": 1, "option": "backup", "feasible": True, "tables": ("s.a",), "why": "w", "effort": "hours"}
    found = steps.next_steps(*frames(freeze=freeze, recovery=[way]))
    assert found["step"].tolist()[:7] == [row["action"] for row in freeze]
    assert found["step"].iloc[7].startswith("Bring the rows back")
    assert found["order"].tolist() == list(range(1, len(found) + 1))


@pytest.mark.parametrize("sure", [0.38, 0.95])
def test_the_people_of_one_group_are_asked_with_the_chances_of_that_group(sure) -> None:
    causes = [
        cause("G1", "migration", sure), cause("G1", "unknown", 1 - sure),
        cause("G2", "scheduled_job", 0.5), cause("G2", "application", 0.3), cause("G2", "restore", 0.1),
    ]  # fmt: skip
    asked = [step for step in steps.next_steps(*frames(causes=causes)).itertuples() if step.step.startswith("Ask")]
    assert len(asked) == 1
    if sure == 0.95:  # the first group is settled: the second one's doers are asked
        assert "(G2)" in asked[0].step
        assert "scheduled job (50 %), application (30 %)" in asked[0].why
    else:  # 62 % and 38 % are of one group, and 50 % of another
        assert "(G1)" in asked[0].step
        assert "50 %" not in asked[0].why
    assert {one.split("-")[1] for one in asked[0].because} == {"G2" if sure == 0.95 else "G1"}


def test_both_are_asked_where_one_cause_is_about_as_likely_as_the_other() -> None:
    causes = schemas.frame("causes", [
        cause("G1", "manual_session", 0.38), cause("G1", "scheduled_job", 0.37), cause("G1", "application", 0.1),
    ])  # fmt: skip
    ranked, which = decisions.unsettled(causes)
    assert which == ""
    asked = decisions._ask(causes, "then", ("E1",))
    assert asked is not None
    assert asked["who"] == "whoever may log in with rights on these tables and the owners of the scheduled jobs"
    assert decisions.people(decisions.suspected(ranked)).endswith("the developers of the application")


def test_nobody_is_asked_where_every_cause_is_sure() -> None:
    causes = [cause("G1", "migration", 0.97), cause("G1", "unknown", 0.03)]
    assert steps.next_steps(*frames(causes=causes)).empty
    assert decisions.unsettled(schemas.frame("causes", causes)) == ([], "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["rename_back"] * 3, "Whether to take the way back: renaming the table back"),
        (["rename_back", "rename_back", "wal", "rename_back"],
         "Which way back to take: renaming the table back (minutes), reading rows out of the WAL (hours)"),
    ],
)  # fmt: skip
def test_a_way_that_several_groups_have_is_decided_once(options: list[str], said: str) -> None:
    """A restore of a whole schema replaces each table by itself: each has its own way, of one kind."""
    lost = Loss(frozenset(("recreate",)), ("h.a", "h.b"), 7, 0, None, None)
    efforts = {"rename_back": "minutes", "wal": "hours"}
    ways = [{"option": each, "feasible": True, "effort": efforts[each], "because": (f"E{at}",)}
            for at, each in enumerate(options)]  # fmt: skip
    asked = decisions._way("whoever leads", lost, ways, ("E9",))
    assert asked is not None
    assert asked["decision"] == said


def loss(**given: object) -> Loss:
    plain = {"mechanisms": frozenset({"truncate"}), "tables": ("s.a",), "rows": 3, "dead": 0, "target_xid": None,
             "before": AT}  # fmt: skip
    return Loss(**{**plain, **given})


def decided(lost: Loss, freeze: list[dict]) -> dict[str, dict]:
    frame = schemas.frame("freeze", [{"why": "w", "because": ("E1",), "order": n, **row}
                                     for n, row in enumerate(freeze, 1)])  # fmt: skip
    none = schemas.empty("causes"), frame, schemas.empty("recovery"), {"G1": ["E1"]}
    return {row["who"]: row for row in decisions.decisions({}, lost, *none).to_dict("records")}


def test_disk_space_for_wal_is_wanted_by_the_clock_of_the_wal() -> None:
    vacuum, recycled = pd.Timestamp("2025-10-08T11:00:00Z"), pd.Timestamp("2025-10-08T11:05:00Z")
    steps_ = [
        {"action": "Switch autovacuum off", "deadline": vacuum},
        {"action": freeze.KEEP_WAL, "deadline": recycled},
    ]
    assert decided(loss(), steps_)["whoever runs server and backups"]["until"] == recycled
    assert pd.isna(decided(loss(), steps_[:1])["whoever runs server and backups"]["until"])


def test_where_rows_are_hidden_nobody_is_asked_for_space_that_saves_rows() -> None:
    told = decided(loss(mechanisms=frozenset({"hidden"})), [{"action": "Hold deployments"}])
    assert "whoever runs server and backups" not in told
    assert "rows" not in told["whoever runs the server"]["decision"].removesuffix("what hid the rows")
