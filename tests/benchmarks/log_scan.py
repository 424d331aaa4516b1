# ruff: noqa: E501 T201 long lines of text; it prints
"""How fast a big log is read: cat, ripgrep, this kit's scan, its plain parser and pgBadger in turns, in one call.

    python tests/benchmarks/log_scan.py --mb 200

A real server writes the log in all of its formats while several sessions work; the log is repeated with shifted hours
until it has the size. Figures are megabytes for a second of processor time of the whole process tree (the machine may be busy:
compare them with each other, not with another day's) and the peak of resident memory. pgBadger reads a slice.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PREFIX = "%m [%p] %q%u@%d "
WORDS = "ERROR:|FATAL:|PANIC:|checkpoint|automatic|database system|delete|truncate|drop|alter|copy|merge"
NAMES = {"stderr": "server.log", "csv": "server.csv", "json": "server.json"}  # as log_write.py calls them


def grown(path: Path, size: int) -> Path:
    """The file repeated, an hour later each time, to about this size."""
    data = path.read_bytes()
    big = path.with_suffix(f"{path.suffix}.big")
    hour = data[:4096].decode("latin-1").split(" ")[1][:3].encode() if path.suffix != ".json" else None
    hour = hour or data[:100].split(b" ")[1][:3]
    with big.open("wb") as stream:
        for at in range(max(1, size // len(data))):
            stream.write(data.replace(b" " + hour, b" %02d:" % (at % 24)))
    return big


def measured(job: Callable[[], None]) -> tuple[float, float]:
    """Processor seconds and peak megabytes of a job in a process of its own, with all that it starts."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        job()
        use = [resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(each.ru_utime + each.ru_stime for each in use)
        os.write(writer, f"{seconds} {max(each.ru_maxrss for each in use) / 1024}".encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    seconds, peak = os.read(reader, 100).split()
    os.close(reader)
    return float(seconds), float(peak)


def beside(name: str) -> str:
    return str(Path(__file__).with_name(name))


def program(*arguments: str) -> Callable[[], None]:
    # Into a pipe: grep stops at the first match when it writes to /dev/null.
    return lambda: subprocess.run([*arguments], capture_output=True, check=False) and None


def itself(name: str, path: Path, format: str) -> Callable[[], None]:
    return program(sys.executable, beside("log_read.py"), name, str(path), format, PREFIX)


def jobs(big: Path, small: Path, format: str, folder: Path) -> dict[str, tuple[Path, Callable[[], None]]]:
    found = {"cat": (big, program("sh", "-c", 'cat "$0" > /dev/null', str(big)))}
    if rg := shutil.which("rg"):
        found["ripgrep, same words"] = (big, program(rg, "-j1", "-ci", WORDS, str(big)))
    elif grep := shutil.which("grep"):
        found["grep -E, same words"] = (big, program(grep, "-ciE", WORDS, str(big)))
    found["scan"] = (big, itself("scan", big, format))
    found["plain parser"] = (small, itself("plain", small, format))
    if badger := shutil.which("pgbadger"):
        kind = {"stderr": "stderr", "csv": "csv", "json": "jsonlog"}[format]
        arguments = ["-q", "-j1", "-f", kind, "-o", str(folder / "out.html")]
        arguments += ["-p", PREFIX] if format == "stderr" else []
        found["pgBadger -j1"] = (small, program(badger, *arguments, str(small)))
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--mb", type=int, default=200)
    asked.add_argument("--slice", type=int, default=12, help="megabytes that slow readers get")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--formats", nargs="+", default=list(NAMES), choices=list(NAMES))
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as made:
        folder = Path(made)
        # In a process of its own: what starts others passes its own peak of memory on to them.
        subprocess.run([sys.executable, beside("log_write.py"), made, PREFIX], check=True)
        for format in options.formats:
            report(format, folder / NAMES[format], folder, options)


def report(format: str, written: Path, folder: Path, options: argparse.Namespace) -> None:
    small = written.with_suffix(f"{written.suffix}.slice")
    big = grown(written, options.mb << 20)
    with big.open("rb") as stream:
        data = stream.read(options.slice << 20)
        small.write_bytes(data[: data.rfind(b"\n") + 1])
    todo = jobs(big, small, format, folder)
    speeds: dict[str, list[float]] = {name: [] for name in todo}
    peaks: dict[str, float] = {}
    names = list(todo)
    for turn in range(options.rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            path, job = todo[name]
            seconds, peak = measured(job)
            speeds[name].append(path.stat().st_size / 1e6 / max(seconds, 1e-3))
            peaks[name] = max(peaks.get(name, 0), peak)
    print(f"\n{format}: {big.stat().st_size / 1e6:.0f} MB; slow readers {small.stat().st_size / 1e6:.0f} MB")
    ours = statistics.median(speeds["scan"])
    for name, found in speeds.items():
        speed = statistics.median(found)
        print(
            f"  {name:22} {speed:9.1f} MB per CPU s   scan is {ours / speed:7.2f} times it   peak {peaks[name]:6.0f} MB"
        )
    big.unlink()


if __name__ == "__main__":
    main()
