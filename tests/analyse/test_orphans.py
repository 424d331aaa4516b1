"""What can be read is more than what the printed commands put back, where parents stay away."""

from __future__ import annotations

from triage_kit.analyse import orphans


def test_what_hangs_on_a_parent_that_comes_back_in_part_waits_and_so_does_what_hangs_on_that(make_table, make_evidence):
    tables = [make_table(name, 16404 + at) for at, name in enumerate(("people", "orders", "lines", "places"))]
    evidence = make_evidence(tables, keys=[("orders", "people", "no_action"), ("lines", "orders", "no_action")])
    counts = {"s.orders": 40, "s.lines": 90, "s.places": 7}
    missing = {"s.people": 30, "s.orders": 40, "s.lines": 90, "s.places": 9}
    held = orphans.held_up(counts, missing, evidence)
    assert held == {"s.orders": ["s.people"], "s.lines": ["s.orders"]}
    assert orphans.held_up({**counts, "s.people": 30}, missing, evidence) == {}
