"""Archives built from plain bytes, so that tests can lie in them."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

from engine.archive import format as gobi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OBJECT = b"some data, not at all compressed"
DIGEST = hashlib.sha256(OBJECT).hexdigest()
OBJECT_NAME = f"objects/{DIGEST[:2]}/{DIGEST}"
FILES = {
    "FORMAT": b'{"format":"test"}\n',
    "log/00000000.wal": bytes(range(200)),
    "log/checkpoint": "origin\n1\nroot\n\n— signer c2ln\n".encode(),
    OBJECT_NAME: OBJECT,
    "state/00/empty": b"",
}


def member(name: str, data: bytes) -> gobi.Member:
    digest = hashlib.sha256(data).hexdigest()
    return gobi.Member(name, len(data), f"{zlib.crc32(data):08x}", digest)


def manifest_of(files: Mapping[str, bytes]) -> gobi.Manifest:
    members = tuple(member(name, files[name]) for name in sorted(files))
    return gobi.Manifest(files["log/checkpoint"].decode(), members)


def assemble(manifest: gobi.Manifest, files: Mapping[str, bytes]) -> bytes:
    parts = []
    for place in manifest.places:
        name = place.member.name
        parts.append(gobi.local_header(place))
        parts.append(manifest.text if name == gobi.MANIFEST else files[name])
    return b"".join(parts) + manifest.directory


def small() -> bytes:
    return assemble(manifest_of(FILES), FILES)


def forged_manifest(edit: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the bytes of a manifest that ``edit`` changed."""
    document = json.loads(manifest_of(FILES).text)
    edit(document)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()
