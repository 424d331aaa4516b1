"""From evidence to findings: pure functions, frames in and frames out, no world outside."""

from triage_kit.analyse import what_if
from triage_kit.analyse.export import findings_dict
from triage_kit.analyse.investigation import Investigation, investigate
from triage_kit.analyse.verdict import verdict

__all__ = ["Investigation", "findings_dict", "investigate", "verdict", "what_if"]
