"""Files kept as blobs.

Layer: ``session``. Invariant: a blob's bytes are durable before the commit that names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.catalog import LONGEST_NAME, Blob, Ref
from engine.errors import BindError, IoError, UsageError
from engine.execute import INLINE_BYTES, PIECE
from engine.session.result import Result
from grammar import nodes, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from engine.execute import Workspace
    from engine.session.frame import Call


def put_blob(call: Call[nodes.PutBlob], workspace: Workspace) -> Result:
    """Keep a file's bytes under a name, in place of what was there."""
    node = call.node
    path = Path(node.path)
    try:
        with path.open("rb") as file:
            blob = _kept(node.name, file, workspace)
    except OSError as error:
        raise IoError(f"cannot read {path}: {error.strerror}", subject=str(path)) from error
    if not node.name or len(blob.state_key) > LONGEST_NAME:
        what = "is too long" if node.name else "is empty"
        raise UsageError(f"the name of the blob {what}", span=node.span)
    before = workspace.catalog.blob(node.name)
    if before is None or before.data.digest != blob.data.digest:
        workspace.put(blob.state_key, blob.encode())
    result = Result("PUT BLOB")
    result.notes.append(f"{blob.size} bytes, sha256 {blob.data.digest}")
    return result


def _kept(name: str, file: BinaryIO, workspace: Workspace) -> Blob:
    """Store what is read from a file; a small one rides in the commit. Cost: memory for a piece."""
    head = file.read(INLINE_BYTES + 1)
    if len(head) <= INLINE_BYTES:
        return Blob(name, len(head), workspace.keep(head))
    size = 0

    def pieces() -> Iterator[bytes]:
        nonlocal size
        piece = head
        while piece:
            size += len(piece)
            yield piece
            piece = file.read(PIECE)

    digest = workspace.timeline.put_stream(pieces())
    return Blob(name, size, Ref(digest))


def drop_blob(call: Call[nodes.DropBlob], workspace: Workspace) -> Result:
    """Forget a blob."""
    node = call.node
    blob = workspace.catalog.blob(node.name)
    if blob is not None:
        workspace.put(blob.state_key, None)
    elif not node.if_exists:
        best = suggest(node.name, [found.name for found in workspace.catalog.blobs()])
        raise BindError(
            f"there is no blob '{node.name}'",
            span=node.span,
            hint=f"did you mean '{best}'?" if best else "FROM grizzly.blobs lists them",
        )
    return Result("DROP BLOB")
