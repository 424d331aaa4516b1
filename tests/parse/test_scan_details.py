"""Each statement with a DETAIL of its parameters: what the scan tells by bytes alone is what the plain parser tells."""

import io
from pathlib import Path

import numpy as np
import pytest

from triage_kit.parse import Outcomes, parse
from triage_kit.parse.scan import Source, scan, significant
from triage_kit.parse.scan.engine import Lines
from triage_kit.parse.scan.formats import _details

PREFIX = "%m [%p] %q%u@%d "
HEAD = "2025-10-07 20:27:38.343 UTC [12] a@b"
OTHER, LATER = HEAD.replace("[12]", "[13]"), HEAD.replace("343", "344")
PART = "DETAIL:  Parameters: $1 = '7'"


@pytest.mark.parametrize(("own", "part", "told"), [
    (f"{HEAD} LOG:  execute s: SELECT $1", f"{HEAD} {PART}", True),
    (f"{HEAD} LOG:  execute s: SELECT $1", f"{OTHER} {PART}", False),  # of another process
    (f"{HEAD} LOG:  execute s: SELECT $1", f"{LATER} {PART}", False),  # another time is left to the plain pattern
    (f"{HEAD} LOG:  execute s: SELECT $1", f"{HEAD}c {PART}", False),
    (f"{HEAD} LOG:  execute s: SELECT $1", f"{HEAD} HINT:  {PART}", False),
    (f"{HEAD} LOG:  execute s: SELECT $1", PART, False),
    (f"{HEAD} ERROR:  no", f"{HEAD} {PART}", False),  # which is odd itself
])  # fmt: skip
def test_a_detail_is_told_by_the_letters_before_it(own: str, part: str, told: bool) -> None:
    odd = [0, 1] if "ERROR" in own else [1]
    found = _details(Lines(f"{own}\n{part}\n".encode()), PREFIX, np.array(odd), np.array([True, True]))
    assert found == ([1] if told else [])


@pytest.mark.parametrize("parts", [[PART], [PART, "CONTEXT:  unnamed portal"], [f"{PART}\n\t, $2 = 'x'"]])
@pytest.mark.parametrize("heads", [(HEAD, HEAD), (HEAD, OTHER), (HEAD, LATER)])
def test_statements_with_parameters_are_what_the_plain_parser_reads(
    tmp_path: Path, heads: tuple[str, str], parts: list[str]
) -> None:
    said = ("SELECT $1", "DELETE FROM o", "INSERT INTO o VALUES ('delete', $1)", "COMMIT")
    behind = "".join(f"{heads[1]} {part}\n" for part in parts)
    rows = [f"{heads[0]} LOG:  execute s: {each}\n{behind}" for each in said]
    data = ("".join(rows) * 40).encode()
    log = tmp_path / "server.log"
    log.write_bytes(data)
    ours = scan(Source(log, "stderr", PREFIX))
    theirs = list(Outcomes().follow(parse(io.BytesIO(data), "stderr", PREFIX)))
    assert (ours.entries, ours.unparsed) == (len(theirs), 0)
    kept = [each for each in Outcomes().follow(ours.found) if significant(each)]
    assert kept == [each for each in theirs if significant(each)]
    assert sum(each.statement == "DELETE FROM o" for each in kept) == 40
