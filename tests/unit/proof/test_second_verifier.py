"""Two verifiers that share nothing but the manual believe the same proofs, and refuse the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.clock import SystemClock
from engine.proof import ProofError, verify
from engine.session import connect, create_lake
from engine.session.proving import cosigned
from engine.session.proving.witness import Witness
from engine.timeline.signing import check
from tests import second_verifier as second
from tests.unit.proof.mutation import changed

if TYPE_CHECKING:
    from engine.session import Session

SCRIPT = """
CREATE TABLE t (id BIGINT PRIMARY KEY, name STRING, d DATE, m TIMESTAMP, n DECIMAL(9,2),
                l INTEGER[], s STRUCT(a DOUBLE, b STRING), p MAP(STRING, INTEGER));
INSERT INTO t VALUES (1, 'é', DATE '2020-01-01', TIMESTAMP '2020-01-01 10:00:00.5', 1.5, [1, NULL],
                      {'a': 0.5, 'b': NULL}, MAP {'x': 1});
INSERT INTO t SELECT i, 'n' || i, DATE '2020-01-01' + i::INT, NULL, i / 8, [i::INT], NULL, MAP {}
  FROM range(10, 17000) r(i);
DELETE FROM t WHERE id = 500;
CREATE TABLE k (a STRING, b INTEGER, PRIMARY KEY (a, b));
INSERT INTO k SELECT 'k' || i, i FROM range(0, 17000) r(i);
INSERT INTO k SELECT 's' || i, i FROM range(0, 300) r(i);
"""
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rfc6962.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("second")
    create_lake(folder / "lake")
    found = connect(folder / "lake")
    list(found.run(SCRIPT))
    witness = Witness.create(folder / "w", "example.org/w", SystemClock())
    witness.watch(found.timeline.vkey)
    cosigned.ask(found.timeline, witness.key.text(), witness.add_checkpoint)
    return found


PROOFS = {
    "commit": lambda p: p.commit(2),
    "cosigned": lambda p: p.cosigned().commit(0),
    "consistency": lambda p: p.consistency(3, 5),
    "state": lambda p: p.state(["blob/none", "t/0"]),
    "table": lambda p: p.table("t"),
    "changes": lambda p: p.changes("t", "1", "4"),
    "row inlined": lambda p: p.row("t", ["1"]),
    "row": lambda p: p.row("t", ["999"]),
    "absent by blocks": lambda p: p.absent("k", ["s1", "2"]),
    "absent by index": lambda p: p.absent("t", ["5"]),
    "absent, dead": lambda p: p.absent("t", ["500"]),
}


@pytest.mark.parametrize("kind", PROOFS)
def test_both_believe_the_truth_and_refuse_changes(session: Session, kind: str) -> None:
    data = PROOFS[kind](session.proofs)
    first, other = verify(data, check=check).facts, second.verify(data)
    for name, fact in other.items():
        ours = [file["sha256"] for file in first[name]] if name == "files" else first[name]
        assert ours == fact
    for bad in changed(data, max(1, len(data) // 14)):
        outcomes = []
        for attempt in (lambda b: verify(b, check=check).facts, second.verify):
            try:
                outcomes.append(attempt(bad).get("key"))
            except (ProofError, second.FalseProofError):
                outcomes.append("refused")
        assert outcomes[0] == outcomes[1]
        assert outcomes[0] == "refused" or kind.startswith("absent")


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_published_inclusion(case: dict[str, object]) -> None:
    leaves = [second.sha(b"\0", bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    size = int(str(case["size"]))
    index = int(str(case["index"]))
    path = [bytes.fromhex(str(part)) for part in case["path"]]  # type: ignore[attr-defined]
    assert second.climb(index, size, leaves[index], path).hex() == VECTORS["roots"][size]


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_published_consistency(case: dict[str, object]) -> None:
    old, new = int(str(case["old"])), int(str(case["new"]))
    path = [bytes.fromhex(str(part)) for part in case["path"]]  # type: ignore[attr-defined]
    roots = [bytes.fromhex(root) for root in VECTORS["roots"]]
    second.consistent(old, roots[old], new, roots[new], path)
    with pytest.raises(second.FalseProofError):
        second.consistent(old, bytes(32), new, roots[new], path)
