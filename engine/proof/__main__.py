"""``python -m engine.proof bundle.json [--key VKEY]``: check a bundle from outside the engine.

Layer: above ``engine.proof``. Invariant: exit code 0 only after every check passed; 5 when the
evidence is false, 2 when the command or the file cannot be used.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.proof.bundle import verify
from engine.proof.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.proof.bundle import Report


def _describe(report: Report) -> str:
    leaf = report.leaf
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    try:
        when = (epoch + datetime.timedelta(microseconds=leaf.ts)).isoformat()
    except OverflowError:
        when = f"{leaf.ts} microseconds after 1970"
    lines = [
        f"verified: commit {leaf.seq} ({leaf.op}) of {report.origin}",
        f"time:     {when}",
        f"leaf:     {report.leaf_hash.hex()}",
        f"log:      {report.size} commits, root {report.root.hex()}",
        f"key:      {report.vkey}" + (" (the expected one)" if report.pinned else ""),
        *(
            f"{ascii(name)[1:-1]}: {ascii(value)[1:-1]}"
            for name, value in sorted(report.meta.items())
        ),
    ]
    if not report.pinned:
        lines.append("Compare the key with one from a source you trust, or give it with --key.")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.proof",
        description="Check that a commit is in a log, from a proof bundle alone.",
    )
    parser.add_argument("bundle", help="the file to check")
    parser.add_argument("--key", help="the log's verifier key, from a source you trust")
    options = parser.parse_args(arguments)
    try:
        data = Path(options.bundle).read_bytes()
    except OSError as error:
        sys.stderr.write(f"{options.bundle}: {error.strerror}\n")
        return 2
    try:
        report = verify(data, options.key)
    except ProofError as error:
        sys.stderr.write(f"{options.bundle}: the proof is false: {error}\n")
        return 5
    sys.stdout.write(_describe(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
