"""Cosigned checkpoints: asking witnesses, keeping what they signed, and demanding a quorum.

Layer: ``session``. Invariant: a cosignature is kept only after it was verified, and only for a log that
begins with the checkpoint it is on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.config import policy_path, state_dir
from engine.errors import IoError, UsageError, VerificationError
from engine.proof import ProofError, cosignature
from engine.proof.canonical import canonical, parse
from engine.proof.cosignature import Policy, WitnessKey, parse_policy
from engine.proof.note import Checkpoint
from engine.session.proving.witness import SIZE_TYPE, Reply, request
from engine.timeline.signing import check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.timeline import Timeline

_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint note with cosignatures, and the keys of those who signed, in their order."""

    note: str
    witnesses: tuple[str, ...]

    @property
    def size(self) -> int:
        """Return the number of commits that were witnessed."""
        return cosignature.split(self.note)[0].size


def ask(timeline: Timeline, witness: str, post: Callable[[bytes], Reply]) -> Cosigned:
    """Let a witness cosign the newest checkpoint, and keep what it signed.

    Raises: VerificationError, when the witness has seen another history; UsageError, IoError.
    """
    key = _witness_key(witness)
    head = timeline.refresh()
    checkpoint = Checkpoint.parse(head.note)
    reply = post(request(0, [], head.note))
    if reply.status == 409 and reply.kind == SIZE_TYPE:
        known = int(reply.text.strip() or "0") if reply.text.strip().isdecimal() else 0
        if known > checkpoint.size:
            raise VerificationError(
                f"{key.name} has signed {known} commits of this log: "
                f"the {checkpoint.size} here are rolled back",
            )
        proof = timeline.consistency(known, checkpoint.size) if known else []
        reply = post(request(known, proof, head.note))
    if reply.status in {409, 422}:
        raise VerificationError(f"{key.name} has signed another history of this log: a fork")
    if reply.status != 200:
        raise UsageError(f"{key.name} refused: {reply.text.strip() or reply.status}")
    try:
        signed = [cosignature.parse_line(line) for line in reply.text.splitlines()]
        mine = next(s for s in signed if (s.name, s.key_id) == (key.name, key.id))
        mine.verify(key, checkpoint, check)
    except (ProofError, StopIteration) as error:
        raise VerificationError(f"{key.name} answered with a false cosignature") from error
    return _keep(timeline, key, mine.line(), head.note.decode("utf-8"))


def over_http(url: str) -> Callable[[bytes], Reply]:
    """Return what posts a request to a witness's address.

    Raises: UsageError, when it is not one of HTTP.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"'{url}' is not the address of a witness", hint="http://localhost:7380")

    def post(body: bytes) -> Reply:
        from urllib import error as errors  # noqa: PLC0415 - slow to load
        from urllib import request as requests  # noqa: PLC0415

        asked = requests.Request(f"{url.rstrip('/')}/add-checkpoint", data=body)  # noqa: S310 - checked
        try:
            with requests.urlopen(asked, timeout=_SECONDS) as answer:  # noqa: S310 - checked
                return Reply(answer.status, answer.read(1 << 16).decode("utf-8", "replace"))
        except errors.HTTPError as error:
            text = error.read(1 << 16).decode("utf-8", "replace")
            return Reply(error.code, text, error.headers.get("Content-Type", ""))
        except OSError as error:
            raise IoError(f"{url}: {getattr(error, 'reason', error)}", subject=url) from error

    return post


def _witness_key(text: str) -> WitnessKey:
    try:
        return WitnessKey.parse(text)
    except ProofError as error:
        raise UsageError(f"that is not a witness's key: {error}") from error


def _keep(timeline: Timeline, key: WitnessKey, line: str, note: str) -> Cosigned:
    """Add a cosignature to those on the same checkpoint; a newer checkpoint begins anew."""
    held = newest(timeline)
    lines: dict[str, str] = {}
    if held is not None and held.note.startswith(note):
        lines = dict(zip(held.witnesses, held.note[len(note) :].splitlines(), strict=True))
    lines[key.text()] = line
    found = Cosigned(note + "".join(f"{one}\n" for one in lines.values()), tuple(lines))
    path = _path(timeline)
    staged = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        staged.write_bytes(canonical({"note": found.note, "witnesses": list(found.witnesses)}))
        staged.replace(path)
    except OSError as error:
        raise IoError(f"{path}: {error.strerror}", subject=str(path)) from error
    return found


def newest(timeline: Timeline) -> Cosigned | None:
    """Return the newest cosigned checkpoint that this user has of a log, or None.

    Raises: IoError.
    """
    path = _path(timeline)
    try:
        value = parse(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IoError(f"{path}: {error.strerror}", subject=str(path)) from error
    except ProofError:
        return None
    if not isinstance(value, dict) or set(value) != {"note", "witnesses"}:
        return None
    return Cosigned(str(value["note"]), tuple(str(name) for name in value["witnesses"]))


def _path(timeline: Timeline) -> Path:
    return state_dir() / "cosigned" / timeline.db


def read_policy(path: Path) -> Policy:
    """Return the policy in a file.

    Raises: UsageError when it is none; IoError.
    """
    try:
        return parse_policy(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise IoError(f"cannot read '{path}': {error.strerror}", subject=str(path)) from error
    except (ProofError, UnicodeDecodeError) as error:
        raise UsageError(f"'{path}' is not a policy: {error}", subject=str(path)) from error


def require(timeline: Timeline, policy: Policy) -> tuple[int, Sequence[str]]:
    """Return how many commits a policy's quorum cosigned, and who; the log begins with those.

    Raises: VerificationError, when no such checkpoint is known, or the log is not the one cosigned.
    """
    held = newest(timeline)
    if held is None:
        raise VerificationError(
            "the policy wants cosignatures, and none of this log are known",
            hint="`grizzly witness ask` gets them",
        )
    try:
        checkpoint, signed = cosignature.split(held.note)
        checkpoint.verify(policy.log_key(checkpoint), check)
        names = policy.require(checkpoint, signed, check)
    except ProofError as error:
        raise VerificationError(f"the policy is not met: {error}") from error
    size = timeline.head.seq + 1
    if checkpoint.origin != timeline.origin or checkpoint.size > size:
        raise VerificationError(
            f"this lakehouse was rolled back: it has {size} commits, "
            f"and witnesses signed {checkpoint.size}"
        )
    if timeline.root_at(checkpoint.size) != checkpoint.root:
        raise VerificationError("this lakehouse is a fork of the one that the witnesses signed")
    return checkpoint.size, names


def require_own_policy(timeline: Timeline) -> None:
    """Demand the user's own policy, if it names this log.

    Raises: VerificationError; UsageError when the file is no policy; IoError.
    """
    policy = read_policy(policy_path())
    if any(key.name == timeline.origin for key in policy.logs):
        require(timeline, policy)
