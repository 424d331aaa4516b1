"""The evidence bundle: what was read, sealed so that it can be trusted later.

``evidence/`` holds ``manifest.json``, one Parquet file a table, and ``raw/`` with sources byte for byte. No other
room knows this layout. A ``Draft`` writes it as ``evidence.partial/`` and seals it by renaming; a ``Bundle`` reads it.
"""

from triage_kit.bundle.draft import Draft
from triage_kit.bundle.lock import Lock
from triage_kit.bundle.manifest import FORMAT
from triage_kit.bundle.reading import PARTIAL, SEALED, Bundle

__all__ = ["FORMAT", "PARTIAL", "SEALED", "Bundle", "Draft", "Lock"]
