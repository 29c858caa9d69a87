"""A witness: it signs that a log only grew, as far as it has seen.

Layer: ``session``. Invariant: what it has signed is on disk before anyone reads it; it never signs a
checkpoint that does not begin with the last one it signed for that log.
Source: C2SP tlog-witness (add-checkpoint) and tlog-cosignature.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

from engine.clock import SystemClock
from engine.errors import CorruptError, GrizzlyError, IoError, LakeError, UsageError
from engine.proof import ProofError, cosignature, fields
from engine.proof.cosignature import Cosignature, WitnessKey
from engine.proof.note import Checkpoint, VerifierKey
from engine.proof.tree import verify_consistency
from engine.timeline import load_or_create
from engine.timeline.signing import check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import ThreadingHTTPServer
    from pathlib import Path

    from engine.clock import Clock

_KEY, _LOGS, _NAME, _LOCK = "witness.key", "logs", "name", "lock"
_WORD = re.compile(r"[!-*,-~]{1,255}", re.ASCII)
_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})", re.ASCII)
_LINES = 63
SIZE_TYPE = "text/x.tlog.size"
_LARGEST = 1 << 16

__all__ = ["SIZE_TYPE", "Reply", "SystemClock", "Witness", "request", "serve"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answers: an HTTP status, and text."""

    status: int
    text: str = ""
    kind: str = "text/plain; charset=utf-8"


class Witness:
    """A folder with a key, the logs it watches, and the last checkpoint of each."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Open a witness.

        Raises: LakeError when there is none in the folder; CorruptError, IoError.
        """
        try:
            name = (folder / _NAME).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            raise LakeError(
                f"{folder} is not a witness",
                subject=str(folder),
                hint=f"run: grizzly witness init {folder}",
            ) from None
        self._folder = folder
        self._clock = clock
        self._signer = load_or_create(folder / _KEY)
        self.key = WitnessKey(name, self._signer.public_key)

    @classmethod
    def create(cls, folder: Path, name: str, clock: Clock) -> Witness:
        """Make a witness with a new key.

        Raises: UsageError when there is one already, or the name cannot be a key's; IoError.
        """
        if not _WORD.fullmatch(name):
            raise UsageError("a witness's name is ASCII without spaces and plus signs")
        if (folder / _NAME).exists():
            raise UsageError(f"{folder} is a witness already", subject=str(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            load_or_create(folder / _KEY)
            _replace(folder / _NAME, f"{name}\n".encode("ascii"))
        except OSError as error:
            raise IoError(f"{folder}: {error.strerror}", subject=str(folder)) from error
        return cls(folder, clock)

    def watch(self, vkey: str) -> None:
        """Sign for the log that this verifier key signs.

        Raises: UsageError when it is no such key.
        """
        try:
            VerifierKey.parse(vkey)
        except ProofError as error:
            raise UsageError(f"that is not a verifier key: {error}") from error
        keys = [key.text() for key in self.logs()]
        if vkey not in keys:
            _replace(self._folder / _LOGS, "".join(f"{k}\n" for k in [*keys, vkey]).encode())

    def logs(self) -> list[VerifierKey]:
        """Return the keys of the logs that it watches."""
        path = self._folder / _LOGS
        try:
            return [VerifierKey.parse(line) for line in path.read_text("utf-8").split()]
        except FileNotFoundError:
            return []
        except (ProofError, UnicodeDecodeError) as error:
            raise CorruptError(f"{path}: {error}", subject=str(path)) from error
        except OSError as error:
            raise IoError(f"{path}: {error.strerror}", subject=str(path)) from error

    def last(self, origin: str) -> Checkpoint | None:
        """Return the last checkpoint that it signed for a log.

        Raises: CorruptError, IoError.
        """
        path = self._seen(origin)
        try:
            checkpoint = Checkpoint.parse(path.read_bytes())
        except FileNotFoundError:
            return None
        except ProofError as error:
            raise CorruptError(f"{path}: {error}", subject=str(path)) from error
        except OSError as error:
            raise IoError(f"{path}: {error.strerror}", subject=str(path)) from error
        return checkpoint

    def _seen(self, origin: str) -> Path:
        return self._folder / f"seen-{hashlib.sha256(origin.encode()).hexdigest()[:32]}"

    def add_checkpoint(self, body: bytes) -> Reply:
        """Answer a request to cosign a checkpoint.

        Raises: CorruptError, IoError; whatever the request is, it gets a reply.
        """
        try:
            old, proof, note = _request(body)
            checkpoint = Checkpoint.parse(note)
        except ProofError as error:
            return Reply(400, f"{error}\n")
        keys = [key for key in self.logs() if key.name == checkpoint.origin]
        if not keys:
            return Reply(404, "this witness does not watch that log\n")
        if not any(_signed(checkpoint, key) for key in keys):
            return Reply(403, "the checkpoint is not signed with the log's key\n")
        if old > checkpoint.size:
            return Reply(400, "the old size is larger than the checkpoint's\n")
        with self._locked():
            return self._decide(old, proof, note, checkpoint)

    def _decide(self, old: int, proof: list[bytes], note: bytes, checkpoint: Checkpoint) -> Reply:
        last = self.last(checkpoint.origin)
        known = 0 if last is None else last.size
        if old != known:
            return Reply(409, f"{known}\n", SIZE_TYPE)
        if last is not None and last.size == checkpoint.size and last.root != checkpoint.root:
            return Reply(409, f"{known}\n", SIZE_TYPE)
        try:
            if last is not None:
                verify_consistency(old, checkpoint.size, last.root, checkpoint.root, proof)
            elif proof:
                raise ProofError("there is nothing to be consistent with")
        except ProofError as error:
            return Reply(422, f"{error}\n")
        if last is None or last.size < checkpoint.size:
            _replace(self._seen(checkpoint.origin), note)
        time = self._clock.now_us() // 1_000_000
        signature = self._signer.signature(cosignature.message(time, checkpoint))
        return Reply(200, Cosignature(self.key.name, self.key.id, time, signature).line() + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._folder / _LOCK
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise IoError(f"{path}: {error.strerror}", subject=str(path)) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def request(old: int, proof: list[bytes], note: bytes) -> bytes:
    """Return the body of a request to cosign a checkpoint, after a log of ``old`` commits."""
    lines = [f"old {old}", *(fields.spell(part) for part in proof), "", ""]
    return "\n".join(lines).encode("ascii") + note


def serve(witness: Witness, port: int) -> ThreadingHTTPServer:
    """Return a server on localhost that answers for a witness; port 0 takes any that is free.

    Raises: IoError, when the port is taken.
    """
    from http import server as http  # noqa: PLC0415 - slow to load

    class Handler(http.BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint" or not length.isdecimal() or int(length) > _LARGEST:
                self._answer(Reply(404 if length.isdecimal() else 411, "POST /add-checkpoint\n"))
                return
            try:
                self._answer(witness.add_checkpoint(self.rfile.read(int(length))))
            except GrizzlyError as error:
                self._answer(Reply(500, f"{error.message}\n"))

        def _answer(self, reply: Reply) -> None:
            data = reply.text.encode("utf-8")
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the reply says it all."""

    class Server(http.ThreadingHTTPServer):
        @override
        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of connections that the other side broke off."""
            if not isinstance(sys.exception(), OSError):
                super().handle_error(request, client_address)  # type: ignore[arg-type]

    try:
        return Server(("127.0.0.1", port), Handler)
    except (OSError, OverflowError) as error:
        raise IoError(f"cannot listen on port {port}: {error}") from error


def _request(body: bytes) -> tuple[int, list[bytes], bytes]:
    head, blank, note = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    match = _OLD.fullmatch(first)
    if match is None or not blank or len(lines) > _LINES:
        raise ProofError("malformed request")
    return int(match[1]), [fields.one_hash(line.decode("latin-1")) for line in lines], note


def _signed(checkpoint: Checkpoint, key: VerifierKey) -> bool:
    try:
        checkpoint.verify(key, check)
    except ProofError:
        return False
    return True


def _replace(path: Path, data: bytes) -> None:
    """Give a file new content, durable before this returns."""
    staged = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    try:
        fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
        fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise IoError(f"{path}: {error.strerror}", subject=str(path)) from error
