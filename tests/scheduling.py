"""Which worker of ``pytest -n N --dist loadfile`` runs which file when.

xdist begins with the files that hold the most tests, and thousands of those take a second together: the dear ones came
last, and at the end one worker alone was busy with them. Here those begin, and files that share what is dear to make
go to one worker, so that it is made once.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

TOGETHER = {
    "tests/safety/test_hostile_names.py": "the attacked case",
    "tests/safety/test_hostile_files.py": "the attacked case",
    "tests/safety/test_pasting.py": "the attacked case",
    "tests/report/test_make.py": "the report of a case like the first incident",
    "tests/report/test_browser.py": "the report of a case like the first incident",
}
# Each takes a minute or more; the longest first. One that is missing here runs later, and nothing else happens.
LONG = (
    "tests/test_integrity.py", "tests/test_environments.py", "tests/incidents/test_recovery.py",
    "the report of a case like the first incident", "tests/test_interrupts.py", "tests/test_cli.py",
    "tests/collect/test_collect_hard_ways_in.py", "the attacked case", "tests/safety/test_canaries.py",
    "tests/collect/test_collect_snapshot.py", "tests/incidents/test_scoreboard.py",
    "tests/collect/test_collect_odd_databases.py", "tests/report/test_sections.py",
    "tests/incidents/test_removals.py", "tests/lab/test_incidents.py", "tests/analyse/test_who.py",
    "tests/collect/test_collect_tls.py", "tests/test_refusals.py", "tests/collect/test_collect_damage.py",
    "tests/collect/test_salvage.py", "tests/safety/test_hostile_places.py", "tests/collect/test_collect_run.py",
    "tests/incidents/test_three_among_sixty.py", "tests/collect/test_collect_forms.py", "tests/parse/test_scan.py",
    "tests/test_demo.py", "tests/test_sql_labels.py", "tests/test_mask.py", "tests/test_seed_as_written.py",
)  # fmt: skip


class Scheduling(LoadFileScheduling):
    """``loadfile`` with files that stay together, and the long ones first."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        first = next((scope for scope in LONG if scope in self.workqueue), None)
        if first is not None:
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)
