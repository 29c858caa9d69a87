"""``python -m engine.proof bundle.json [--key VKEY] [--policy FILE]``: check a bundle from outside.

Layer: above ``engine.proof``. Invariant: exit code 0 only after every check passed; 5 when the
evidence is false, 2 when the command or the file cannot be used.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.proof.bundle import verify
from engine.proof.cosignature import parse_policy
from engine.proof.errors import ProofError
from engine.proof.note import VerifierKey
from engine.proof.words import describe

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.proof",
        description="Check what a proof bundle says about a log, from the bundle alone.",
    )
    parser.add_argument("bundle", help="the file to check")
    parser.add_argument("--key", help="the log's verifier key, from a source you trust")
    parser.add_argument("--policy", help="a file of the logs and witnesses that you trust")
    options = parser.parse_args(arguments)
    file = options.bundle
    try:
        data = Path(file).read_bytes()
        file = options.policy or file
        rules = Path(file).read_text("utf-8") if options.policy else None
    except (OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{file}: {getattr(error, 'strerror', None) or 'not text'}\n")
        return 2
    try:
        policy = None if rules is None else parse_policy(rules)
    except ProofError as error:
        sys.stderr.write(f"{options.policy}: {error}\n")
        return 2
    try:
        if options.key is not None:
            VerifierKey.parse(options.key)
    except ProofError as error:
        sys.stderr.write(f"--key is not a verifier key: {error}\n")
        return 2
    try:
        report = verify(data, options.key, policy=policy)
    except ProofError as error:
        sys.stderr.write(f"{options.bundle}: the proof is false: {error}\n")
        return 5
    said = describe(report)
    if not report.pinned:
        said.append("Compare the key with one from a source you trust, or give it with --key.")
    try:
        sys.stdout.write("\n".join(said) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    return 0


if __name__ == "__main__":
    sys.exit(main())
