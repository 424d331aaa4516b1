"""From evidence to one page: runs the four notebooks, joins them, exports, and writes findings.json."""

import sys

# Where JupyterLab is installed, jsonschema (through nbformat) finds rfc3987_syntax and builds a grammar of addresses,
# one second of every report for a check that no notebook asks for. It is out of sight during this one import.
_hidden = "rfc3987_syntax" not in sys.modules
if _hidden:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
try:
    import nbformat as _nbformat  # noqa: F401
finally:
    if _hidden:
        del sys.modules["rfc3987_syntax"]

from triage_kit.report.making import Made, make  # noqa: E402

__all__ = ["Made", "make"]
