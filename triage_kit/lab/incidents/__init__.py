"""Practice incidents by name; the list is written out, nothing is discovered."""

from triage_kit.lab.incidents import (
    arena,
    courier,
    delete_without_where,
    deleted,
    emptied,
    escola,
    greenhouse,
    harmless,
    infirmary,
    mall,
    newsroom,
    outbox,
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
        *(  # one trade a module, all of them held out
            incident
            for module in (infirmary, courier, greenhouse, escola, mall, outbox, newsroom, arena)
            for incident in module.INCIDENTS
        ),
    )
}

__all__ = ["INCIDENTS", "Incident"]
