"""Files read by several processes: the same as by one, in order; a file that kills its reader costs itself alone."""

import os
import sys
import time
from collections import Counter

import pytest

from triage_kit.collect import files, workers
from triage_kit.collect.code import hit_rows, scan
from triage_kit.collect.workers import LOST, UNREAD, Workers


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkout")
    for number in range(workers._FEW + 100):
        (root / f"{number:04}.sql").write_text(f"TRUNCATE t{number};\nSELECT tidy{number % 7}();\n")
        (root / f"{number:04}.py").write_bytes(b"# caf\xe9\nimport os\nc.execute('TRUNCATE latin')\n")
    (root / "tidy.sql").write_text("CREATE FUNCTION tidy3() RETURNS void LANGUAGE sql AS $$ DELETE FROM visits $$;\n")
    (root / "crontab").write_text("1 2 * * * psql -f 0004.sql\n3 4 * * * ./0005.sql\n")
    return root


def test_several_processes_tell_what_one_does(checkout):
    alone, beside = Counter(), Counter()
    one = scan(checkout, (), alone, Workers(1))
    with Workers(2) as two:
        other = scan(checkout, (), beside, two)
        assert [each.ready() for each in two._running] == [True, True]
    assert vars(other) == vars(one)
    assert alone == beside
    assert hit_rows(other) == hit_rows(one)
    assert len(one.hits) == 2 * (workers._FEW + 100) + 1


def test_few_files_start_no_process():
    with Workers(2) as few:
        assert list(few.map(pow, [(2, 3), (3, 2)], count=2)) == [8, 9]
        assert few._running is None


@pytest.mark.parametrize("does", ["os')._exit(1)", "time').sleep(600)"], ids=["ends", "holds up"])
def test_a_call_that_kills_its_process_costs_its_own_result(monkeypatch, does):
    calls = [(f"__import__('{does}" if number == 7 else str(number),) for number in range(50)]
    with Workers(2) as two:
        two._started()
        monkeypatch.setattr(workers, "_SECONDS", 2.0)
        monkeypatch.setattr(workers, "_SECONDS_ALONE", 2.0)
        found = list(two.map(eval, calls, count=10_000))
    assert [number for number, each in enumerate(found) if each is LOST] == [7]
    assert [each for each in found if each is not LOST] == [each for each in range(50) if each != 7]


def test_a_checkout_of_fatal_files_ends_too(monkeypatch):
    monkeypatch.setattr(workers, "_MOST_LOST", 3)
    with Workers(2) as two:
        found = list(two.map(eval, [("__import__('os')._exit(1)",)] * 90, count=10_000))
    assert set(found) == {LOST, UNREAD}
    assert 3 <= found.count(LOST) <= 4  # the other process may be over one when the third is lost


def test_calls_that_hold_up_cost_their_own_results_until_their_time_is_spent(monkeypatch):
    held = ("__import__('time').sleep(600)",)
    with Workers(1) as one:
        one._most = 2
        one._running = [workers._Worker()]
        monkeypatch.setattr(workers, "_SECONDS", 0.6)
        monkeypatch.setattr(workers, "_SECONDS_ALONE", 0.6)
        monkeypatch.setattr(workers, "_SECONDS_THEN", 0.5)
        monkeypatch.setattr(workers, "_SECONDS_HUNG", 1.6)  # two of 0.6 and one of 0.5 spend it
        found = list(one.map(eval, [held, held, *[("1",)] * 90, held, *[("2",)] * 50], count=10_000))
    assert found == [LOST] * 2 + [1] * 90 + [LOST] + [UNREAD] * 50


def test_a_slow_start_is_no_time_of_a_call(monkeypatch):
    class Slow(workers._Worker):
        def start(self):
            time.sleep(0.6)
            return super().start()

    monkeypatch.setattr(workers, "_SECONDS_ALONE", 0.5)
    with Workers(1) as one:
        one._most, one._running = 2, [Slow()]
        assert list(one.map(eval, [("__import__('os')._exit(1)",), ("1",)], count=10_000)) == [LOST, 1]
    assert (one._lost, one._hung) == (1, 0)


def test_lost_files_are_counted(checkout):
    class Losing(Workers):
        def map(self, function, calls, count):
            unlike = {"0004.sql": LOST, "0005.sql": UNREAD}
            return (unlike.get(path) or function(path, data) for path, data in calls)

    passed = Counter()
    found = scan(checkout, (), passed, Losing())
    assert passed == {"file that ends or holds up whoever reads it: 0004.sql": 1, "files left unread after these": 1}
    assert not {"0004.sql", "0005.sql"} & {path for path, _ in found.hits}


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_without_other_processes_this_one_reads(monkeypatch, program):
    monkeypatch.setattr(sys, "executable", program)
    with Workers(2) as two:
        assert list(two.map(pow, [(2, 3)], count=10_000)) == [8]


def test_a_module_of_the_folder_that_is_read_is_not_loaded(tmp_path, monkeypatch):
    (tmp_path / "ast.py").write_text("import pathlib; pathlib.Path('loaded').touch()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with Workers(2) as two:
        assert list(two.map(os.getcwd, [()], count=10_000)) == [str(tmp_path)]
        assert all(each.ready() for each in two._running)
    assert not (tmp_path / "loaded").exists()


def test_who_stops_asking_ends_the_processes():
    with Workers(2) as two:
        results = two.map(pow, ((2, number) for number in range(100_000)), count=100_000)
        assert next(results) == 1
        processes = [each._process for each in two._running]
        results.close()
        assert all(each.poll() is not None for each in processes)


def test_bytes_that_were_read_are_kept_for_the_next_reader_within_bounds(tmp_path, monkeypatch):
    for name in ("a.sql", "b.sql"):
        (tmp_path / name).write_text(f"DROP TABLE {name[0]}")
    monkeypatch.setattr(files, "_MOST_KEPT", 15)
    read, passed = files.Contents(), Counter()
    assert [read(tmp_path / name, passed) for name in ("a.sql", "b.sql")] == [b"DROP TABLE a", b"DROP TABLE b"]
    for name in ("a.sql", "b.sql"):
        (tmp_path / name).unlink()
    assert [read(tmp_path / name, passed) for name in ("a.sql", "b.sql")] == [b"DROP TABLE a", None]
    assert passed == {"unreadable files": 1}
