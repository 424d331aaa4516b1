"""Find out what emptied PostgreSQL tables.

``open_case`` reads one collected case; ``analyse`` and ``plot`` hold the functions that the notebooks call. The names
are imported when they are used, so that ``import triage_kit`` costs nothing.

>>> import triage_kit
>>> dir(triage_kit)
['OpenCase', '__version__', 'analyse', 'open_case', 'plot']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from triage_kit import analyse, plot
    from triage_kit.opened import OpenCase, open_case

__version__ = "0.1.0"
__all__ = ["OpenCase", "__version__", "analyse", "open_case", "plot"]

_HOMES = {"open_case": "triage_kit.opened", "OpenCase": "triage_kit.opened"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in ("analyse", "plot"):
        return import_module(f"triage_kit.{name}")
    raise AttributeError(f"module 'triage_kit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
