"""A kernel that is forked is what one that is started would be, and where none can be forked one is started."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError

from triage_kit.report import forked
from triage_kit.report.kernel import Kernels, execute

ASKED = """import os, signal, subprocess, sys, threading
here = {name: value for name, value in os.environ.items() if not name.startswith("JPY_")}
(sys.argv[1], sys.path, sys.flags.safe_path, os.getcwd(), here, signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,
 subprocess.run(["false"]).returncode, os.getpgid(0) == os.getpid(), __name__, threading.active_count(), told)"""
OUT = "import os, sys; print('said'); print('wrong', file=sys.stderr); _ = os.system('echo of a child')"

pytestmark = pytest.mark.skipif(not forked.POSSIBLE, reason="kernels are forked on Linux alone")


@contextlib.contextmanager
def kernels(folder: Path) -> Iterator[Kernels]:
    made = Kernels({"TK_TOLD": "more"}, folder / "forks")
    try:
        yield made
    finally:
        made.stop()


def run(folder: Path, under: Kernels, *sources: str) -> list:
    notebook = json.loads((Path(__file__).parents[2] / "notebooks/stats.ipynb").read_text("utf-8"))
    notebook["cells"] = [nbformat.v4.new_code_cell(source) for source in ("told = 1", *sources)]
    notebook["cells"][0]["metadata"] = {"tags": ["parameters"]}
    (folder / "asked.ipynb").write_text(json.dumps(notebook), "utf-8")
    executed = execute(folder / "asked.ipynb", {"told": 2}, folder, folder / "0", under)
    return [[dict(output) for output in cell.outputs] for cell in executed.cells]


def test_a_forked_kernel_is_as_one_that_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TK_ODD", "\udcff \n=")
    with kernels(tmp_path) as both:
        forked_one = run(tmp_path, both, ASKED, OUT)
        assert [type(each) for each in both._running] == [forked.Forked]
        both.forks._process.send_signal(signal.SIGKILL)  # nobody is left to fork the next
        started = run(tmp_path, both, ASKED, OUT)
        assert type(both._running[1]) is not forked.Forked
        assert None not in [each.poll() for each in both._running]
    assert forked_one == started
    assert "'TK_TOLD': 'more'" in str(started)


def test_a_forked_kernel_that_dies_is_noticed(tmp_path: Path) -> None:
    with kernels(tmp_path) as one, pytest.raises(DeadKernelError):
        run(tmp_path, one, "import os; os.kill(os.getpid(), 9)")
    ended = one._running[0]
    assert ended.poll() == 0


def test_a_server_that_answers_late_is_ended(tmp_path: Path) -> None:
    with kernels(tmp_path) as one:
        here = one.forks._process.pid
        one.forks._channel.settimeout(0.01)  # its imports take longer
        assert one.forks.fork(["late"], str(tmp_path), {}, tmp_path / "said") is None
        assert not Path(f"/proc/{here}").exists()
        assert one.forks.fork(["next"], str(tmp_path), {}, tmp_path / "said") is None


def test_kernels_end_with_the_server_whatever_they_do(tmp_path: Path) -> None:
    with kernels(tmp_path) as one:
        there = one.forks.fork(["ipykernel_launcher", "-f", str(tmp_path / "k.json")], str(tmp_path), os.environ,
                               tmp_path / "said")  # fmt: skip
        assert there.poll() is None
        assert Path(f"/proc/{there.pid}").exists()
    assert there.wait(10) == 0
    assert not Path(f"/proc/{there.pid}").exists()
