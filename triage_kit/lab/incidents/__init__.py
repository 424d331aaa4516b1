"""Practice incidents by name; the list is written out, nothing is discovered."""

from triage_kit.lab.incidents import delete_without_where, retention_drop, rolled_back_import, seed
from triage_kit.lab.incidents.base import Incident

INCIDENTS: dict[str, Incident] = {
    module.INCIDENT.name: module.INCIDENT for module in (seed, delete_without_where, rolled_back_import, retention_drop)
}

__all__ = ["INCIDENTS", "Incident"]
