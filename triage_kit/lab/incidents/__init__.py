"""Practice incidents by name; the list is written out, nothing is discovered."""

from triage_kit.lab.incidents import seed
from triage_kit.lab.incidents.base import Incident

INCIDENTS: dict[str, Incident] = {incident.name: incident for incident in (seed.INCIDENT,)}

__all__ = ["INCIDENTS", "Incident"]
