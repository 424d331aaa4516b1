"""Practice incidents by name; the list is written out, nothing is discovered."""

from triage_kit.lab.incidents import (
    delete_without_where,
    deleted,
    emptied,
    harmless,
    replaced,
    retention_drop,
    rolled_back_import,
    seed,
    storage,
    unseen,
)
from triage_kit.lab.incidents.base import Incident

INCIDENTS: dict[str, Incident] = {
    incident.name: incident
    for incident in (
        *(module.INCIDENT for module in (seed, delete_without_where, rolled_back_import, retention_drop)),
        *(
            incident
            for module in (emptied, deleted, replaced, unseen, harmless, storage)
            for incident in module.INCIDENTS
        ),
    )
}

__all__ = ["INCIDENTS", "Incident"]
