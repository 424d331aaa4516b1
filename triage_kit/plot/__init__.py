"""Frames in, Axes or markup out: what the notebooks show.

Functions that draw return matplotlib Axes, which ``picture`` turns into SVG; ``foreign_key_graph`` and the functions
that end in ``_list`` return objects that Jupyter shows by itself. Nothing here computes a conclusion, shows a window or
changes global state.
"""

from triage_kit.plot import narrow
from triage_kit.plot.affected import freeze_list, table_list
from triage_kit.plot.brief import first_screen, summary
from triage_kit.plot.chances import causes, mechanisms
from triage_kit.plot.damage import tables
from triage_kit.plot.details import (
    cause_list,
    coverage_list,
    event_list,
    explaining_statements,
    foreign_key_list,
    gap_list,
    reach_list,
    recommendation_list,
    recovery_list,
    review_list,
    roots,
    statement_list,
    test_list,
)
from triage_kit.plot.evidence import cited, evidence_list
from triage_kit.plot.facts import provenance, server_facts
from triage_kit.plot.glance import glance
from triage_kit.plot.glossary import glossary
from triage_kit.plot.graph import edge_legend, foreign_key_graph
from triage_kit.plot.matrix import evidence_matrix, worst
from triage_kit.plot.numbered import numbered_findings
from triage_kit.plot.recovering import recovery
from triage_kit.plot.sessions import session_list
from triage_kit.plot.sources import source_list
from triage_kit.plot.steps import next_steps, step_list
from triage_kit.plot.story import timeline
from triage_kit.plot.style import Picture, picture
from triage_kit.plot.weighed import matrices, matrix_lines

__all__ = [
    "Picture",
    "cause_list",
    "causes",
    "cited",
    "coverage_list",
    "edge_legend",
    "event_list",
    "evidence_list",
    "evidence_matrix",
    "explaining_statements",
    "first_screen",
    "foreign_key_graph",
    "foreign_key_list",
    "freeze_list",
    "gap_list",
    "glance",
    "glossary",
    "matrices",
    "matrix_lines",
    "mechanisms",
    "narrow",
    "next_steps",
    "numbered_findings",
    "picture",
    "provenance",
    "reach_list",
    "recommendation_list",
    "recovery",
    "recovery_list",
    "review_list",
    "roots",
    "server_facts",
    "session_list",
    "source_list",
    "statement_list",
    "step_list",
    "summary",
    "table_list",
    "tables",
    "test_list",
    "timeline",
    "worst",
]
