"""A second verifier of proofs, written from grizzly-proof(5) alone: it shares no code with the first.

It leans on other people's libraries where the first does without: Ed25519 from ``cryptography``, Arrow
from ``pyarrow``, Roaring from ``pyroaring``. Answers the facts of a proof, or raises ``FalseProofError``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pyroaring import BitMap


class FalseProofError(Exception):
    """The proof is not true."""


def need(condition: object, what: str = "false") -> None:
    if not condition:
        raise FalseProofError(what)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def spelled(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def raw(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text)
    return data


def split(text: str) -> list[bytes]:
    data = raw(text)
    need(len(data) % 32 == 0)
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def verify(data: bytes) -> dict[str, Any]:
    """Return what a proof says, if it is true."""
    try:
        need(data[-1:] == b"\n")
        proof = json.loads(data[:-1])
        need(spelled(proof) == data[:-1])
        return _verify(proof)
    except FalseProofError:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        struct.error,
        StopIteration,
        InvalidSignature,
        pa.ArrowException,
        RecursionError,
        OverflowError,
        ArithmeticError,
    ) as error:
        raise FalseProofError(repr(error)) from error


FIELDS = {
    "commit": "leaf meta path",
    "consistency": "paths trees",
    "state": "leaf path state",
    "table": "leaf path state table",
    "changes": "before leaf path shared since state table",
    "row": "at file leaf path row state table",
    "absent": "files key leaf path state table",
}


def _verify(proof: dict[str, Any]) -> dict[str, Any]:
    kind = proof["kind"]
    need(proof["v"] == "grizzly-proof/1")
    need(set(proof) - {"witnesses"} == {*FIELDS[kind].split(), "v", "kind", "checkpoint", "vkey"})
    origin, size, root = checkpoint(proof)
    if kind == "consistency":
        trees = [(number(t["size"]), raw(t["root"])) for t in proof["trees"] if len(t) == 2]
        need(trees and len(trees) == len(proof["trees"]) == len(proof["paths"]))
        for (m, one), (n, two), path in zip(
            trees, [*trees[1:], (size, root)], proof["paths"], strict=True
        ):
            consistent(m, one, n, two, split(path))
        return {"trees": [{"root": one.hex(), "size": m} for m, one in trees]}
    leaf = commit(proof, origin, size, root)
    return KINDS[kind](proof, leaf, lambda other: commit(other, origin, size, root))


def number(value: object) -> int:
    need(type(value) is int and 0 <= value < 2**53)
    return int(value)  # type: ignore[call-overload, no-any-return]


def public(vkey: str, kind: int) -> tuple[str, bytes, Ed25519PublicKey]:
    name, ident, key = vkey.split("+", 2)
    data = raw(key)
    need(len(data) == 33 and data[0] == kind)
    need(sha(name.encode(), b"\n", data)[:4].hex() == ident)
    return name, bytes.fromhex(ident), Ed25519PublicKey.from_public_bytes(data[1:])


def checkpoint(proof: dict[str, Any]) -> tuple[str, int, bytes]:
    body, _, lines = proof["checkpoint"].partition("\n\n")
    origin, size, root = body.split("\n")
    need(lines.endswith("\n") and size == str(int(size)) and len(raw(root)) == 32)
    first, *more = lines[:-1].split("\n")
    for line, vkey, kind in [
        (first, proof["vkey"], 1),
        *((line, key, 4) for line, key in zip(more, proof.get("witnesses", []), strict=True)),
    ]:
        name, ident, key = public(vkey, kind)
        dash, signer, signature = line.split(" ")
        data = raw(signature)
        need(dash == "—" and signer == name and data[:4] == ident)
        text = body.encode() + b"\n"
        if kind == 1:
            need(signer == origin)
            key.verify(data[4:], text)
        else:
            (moment,) = struct.unpack(">Q", data[4:12])
            key.verify(data[12:], f"cosignature/v1\ntime {moment}\n".encode() + text)
    need("witnesses" not in proof or proof["witnesses"])
    return origin, int(size), raw(root)


def commit(proof: dict[str, Any], origin: str, size: int, root: bytes) -> dict[str, Any]:
    leaf = proof["leaf"]
    names = {"v", "db", "seq", "ts", "op", "parent", "meta", "changes", "state"}
    need(set(leaf) == names and leaf["v"] == "grizzly-commit/1")
    need(origin.rsplit("/", 1)[1] == leaf["db"])
    need(climb(number(leaf["seq"]), size, sha(b"\0", spelled(leaf)), split(proof["path"])) == root)
    return leaf  # type: ignore[no-any-return]


def climb(index: int, size: int, found: bytes, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, by recursion from the top."""
    need(0 <= index < size)
    if size == 1:
        need(not path)
        return found
    need(path)
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return sha(b"\1", climb(index, half, found, path[:-1]), path[-1])
    return sha(b"\1", path[-1], climb(index - half, size - half, found, path[:-1]))


def consistent(m: int, one: bytes, n: int, two: bytes, path: list[bytes]) -> None:
    """RFC 9162, 2.1.4, by recursion from the top."""
    need(0 < m <= n and len(one) == 32)
    if m == n:
        need(not path and one == two)
        return

    def both(m: int, n: int, whole: bool, path: list[bytes]) -> tuple[bytes, bytes]:
        if m == n:
            need(len(path) == (0 if whole else 1))
            return (one, one) if whole else (path[0], path[0])
        half = 1 << (n - 1).bit_length() - 1
        need(path)
        if m <= half:
            old, new = both(m, half, whole, path[:-1])
            return old, sha(b"\1", new, path[-1])
        old, new = both(m - half, n - half, False, path[:-1])
        return sha(b"\1", path[-1], old), sha(b"\1", path[-1], new)

    need(both(m, n, True, path) == (one, two))


def mth(leaves: list[bytes]) -> bytes:
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\1", mth(leaves[:half]), mth(leaves[half:]))


def part(tree: Any, level: int, shared: list[bytes]) -> tuple[bytes, list[Any]]:
    """Return the digest of a part of the state and what it shows: entries, places, or None."""
    if isinstance(tree, str):
        need(len(raw(tree)) == 32)
        return raw(tree), [None]
    if type(tree) is int:
        need(tree >= 0)
        return shared[tree], [tree]
    if isinstance(tree, list):
        left, right = tree
        need(not (isinstance(left, str) and isinstance(right, str)))
        one, seen = part(left, level, shared)
        two, more = part(right, level, shared)
        return sha(b"\1", one, two), seen + more
    key = tree["k"].encode("ascii")
    if level == 0:
        need(set(tree) == {"k", "v"})
        value, seen = tree["v"].encode(), [(tree["k"], tree["v"])]
    else:
        need(set(tree) == {"k", "n", "of", "t"})
        digest, seen = part(tree["t"], level - 1, shared)
        need(not isinstance(seen[0], tuple) or seen[0][0] == tree["k"])
        value = struct.pack(">IQ", number(tree["n"]), number(tree["of"])) + digest
    return sha(b"\0", bytes([level]), struct.pack(">H", len(key)), key, value), seen


def height(tree: Any) -> int | None:
    if isinstance(tree, list):
        return next((h for h in map(height, tree) if h is not None), None)
    if isinstance(tree, dict):
        below = height(tree["t"]) if "t" in tree else -1
        return None if below is None else below + 1
    return None


def opened(tree: Any, leaf: dict[str, Any], shared: list[bytes] | None = None) -> list[Any]:
    levels = height(tree)
    need(levels is not None)
    digest, seen = part(tree, levels or 0, shared or [])
    need(digest.hex() == leaf["state"]["root"])
    keys = [item[0] for item in seen if isinstance(item, tuple)]
    need(keys == sorted(set(keys)))
    return seen


def between(seen: list[Any], first: str, limit: str) -> list[Any]:
    low = max((n for n, s in enumerate(seen) if isinstance(s, tuple) and s[0] < first), default=-1)
    high = min(
        (n for n, s in enumerate(seen) if isinstance(s, tuple) and s[0] >= limit), default=len(seen)
    )
    return seen[low + 1 : high]


def at_key(seen: list[Any], key: str) -> str | None:
    for item in seen:
        if isinstance(item, tuple) and item[0] == key:
            return str(item[1])
    need(between(seen, key, key + "\0") == [])
    return None


def table_of(seen: list[Any], ident: str) -> dict[str, Any]:
    need(ident.isalnum() and ident.isascii() and ident.islower() | ident.isdigit())
    found = at_key(seen, f"t/{ident}")
    need(found is not None)
    return json.loads(found or "")  # type: ignore[no-any-return]


def files_of(seen: list[Any], ident: str) -> list[Any]:
    return between(seen, f"f/{ident}/", f"f/{ident}0")


def kind_commit(proof: Any, leaf: Any, _other: Any) -> dict[str, Any]:
    need(sha(spelled(proof["meta"])).hex() == leaf["meta"])
    need(all(isinstance(v, str) for v in proof["meta"].values()))
    return {"meta": proof["meta"]}


def kind_state(proof: Any, leaf: Any, _other: Any) -> dict[str, Any]:
    seen = opened(proof["state"], leaf)
    ends = [("", ""), *seen, ("", "")]
    gaps = [
        [a[0] or None, b[0] or None]
        for a, b in pairwise(ends)
        if isinstance(a, tuple) and isinstance(b, tuple)
    ]
    return {"entries": dict(s for s in seen if s is not None), "nothing_between": gaps}


def kind_table(proof: Any, leaf: Any, _other: Any) -> dict[str, Any]:
    seen = opened(proof["state"], leaf)
    table = table_of(seen, proof["table"])
    files = files_of(seen, proof["table"])
    need(None not in files)
    return {
        "table": f"{table['schema']}.{table['name']}",
        "files": [json.loads(value)["data"][0] for _, value in files],
    }


def kind_changes(proof: Any, leaf: Any, other: Any) -> dict[str, Any]:
    need(set(proof["since"]) == {"leaf", "path"})
    since, ident = other(proof["since"]), proof["table"]
    need(since["seq"] < leaf["seq"])
    shared = split(proof["shared"])
    sides = [opened(proof["before"], since, shared), opened(proof["state"], leaf, shared)]
    entries: list[dict[str, str]] = []
    for seen in sides:
        found = files_of(seen, ident)
        need([s for s in found if not isinstance(s, tuple)] == list(range(len(shared))))
        own = dict(s for s in found if isinstance(s, tuple))
        defined = at_key(seen, f"t/{ident}")
        entries.append(own | ({f"t/{ident}": defined} if defined is not None else {}))
    need(any(f"t/{ident}" in side for side in entries))
    old, new = entries
    return {
        "since": since["seq"],
        "entries": [
            {"key": key, "before": old.get(key), "after": new.get(key)}
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
        ],
    }


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        need(len(self.data) >= count)
        found, self.data = self.data[:count], self.data[count:]
        return found

    def inner(self) -> Bytes:
        return Bytes(self.take(struct.unpack("<I", self.take(4))[0]))


WIDTHS = dict(
    zip(
        ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"],
        "?bhiqBHIQfd",
        strict=True,
    )
)


def column(layout: Any, rows: int, data: Bytes) -> list[Any]:
    name = layout if isinstance(layout, str) else layout[0]
    inner: list[Bytes] = []
    lengths: list[int] = []
    values: list[Any] = []
    if name in WIDTHS:
        form = f"<{rows}{WIDTHS[name]}"
        values = list(struct.unpack(form, data.take(struct.calcsize(form))))
    elif name == "decimal":
        cells = [int.from_bytes(data.take(16), "little", signed=True) for _ in range(rows)]
        values = [Decimal(cell).scaleb(-layout[1]) for cell in cells]
    elif name in {"text", "bytes"}:
        lengths = list(struct.unpack(f"<{rows}I", data.take(4 * rows)))
        values = [data.take(length) for length in lengths]
        values = [v.decode() for v in values] if name == "text" else values
    else:
        if name in {"list", "map"}:
            lengths = list(struct.unpack(f"<{rows}I", data.take(4 * rows)))
        inner = [
            data.inner()
            for _ in (layout[1] if name == "struct" else layout[1:] if name != "array" else [0])
        ]
    bits = data.take(len(data.data))
    need(len(bits) in {0, (rows + 7) // 8})
    alive = [not bits or bool(bits[n // 8] >> n % 8 & 1) for n in range(rows)]
    if inner:
        values = nested(name, layout, alive, lengths, inner)
    return [v if ok else None for v, ok in zip(values, alive, strict=True)]


def nested(
    name: str, layout: Any, alive: list[bool], lengths: list[int], inner: list[Bytes]
) -> list[Any]:
    rows = len(alive)
    if name == "struct":
        cells = [column(kind, rows, b) for (_, kind), b in zip(layout[1], inner, strict=True)]
        names = [n for n, _ in layout[1]]
        return [dict(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    if name == "array":
        lengths = [layout[1] * ok for ok in alive]
        cells = [column(layout[2], sum(lengths), inner[0])]
    else:
        cells = [column(kind, sum(lengths), b) for kind, b in zip(layout[1:], inner, strict=True)]
    items = cells[0] if len(cells) == 1 else [list(pair) for pair in zip(*cells, strict=True)]
    starts = [sum(lengths[:n]) for n in range(rows)]
    return [items[at : at + length] for at, length in zip(starts, lengths, strict=True)]


TICKS = {"TIME": 6, "TIME_NS": 9, "TIMESTAMP_S": 0, "TIMESTAMP_MS": 3, "TIMESTAMP": 6,
         "TIMESTAMP_NS": 9, "TIMESTAMP WITH TIME ZONE": 6, "TIMESTAMPTZ_NS": 9}  # fmt: skip


def text(value: Any, kind: str = "") -> Any:  # noqa: PLR0911 - one line for each type
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return [text(v) for v in value]
    if isinstance(value, dict):
        return {k: text(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return repr(value)
    if kind == "DATE":
        return (date(1970, 1, 1) + timedelta(value)).isoformat()
    if kind in TICKS:
        seconds, rest = divmod(value, 10 ** TICKS[kind])
        moment = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(seconds=seconds)
        whole = (
            moment.time().isoformat()
            if kind.startswith("TIME_NS") or kind == "TIME"
            else moment.isoformat()
        )
        return whole + (f".{rest:0{TICKS[kind]}d}" if rest else "")
    return str(value)


def arrow_rows(data: bytes) -> tuple[list[Any], list[list[Any]], dict[str, list[Any]]]:
    table = pa.ipc.open_stream(data).read_all()
    columns = [c[:3] for c in json.loads(table.schema.metadata[b"grizzly"])]
    cells = []
    for array in table.columns:
        plain = array.cast(pa.int32()) if pa.types.is_date(array.type) else array
        values = plain.to_pylist(maps_as_pydicts=None)
        cells.append([listed(v) for v in values])
    return (
        columns,
        cells[: len(columns)],
        dict(zip(table.column_names[len(columns) :], cells[len(columns) :], strict=True)),
    )


def listed(value: Any) -> Any:
    if isinstance(value, tuple):
        return [listed(v) for v in value]
    if isinstance(value, list):
        return [listed(v) for v in value]
    return value


def file_rows(
    shown: dict[str, Any], entry: dict[str, Any], only: int | None
) -> tuple[Any, Any, Any, int]:
    """Return columns, their cells, the hidden cells, and the position of the first row of these."""
    if "object" in shown:
        data = raw(shown["object"])
        need(sha(data).hex() == entry["data"][0])
        return (*arrow_rows(data), 0)
    header = json.loads(shown["header"])
    need(spelled(header) == shown["header"].encode())
    need(sha(b"\0\x31", shown["header"].encode()).hex() == entry["tree"])
    need(header["v"] == "grizzly-rows/1" and header["block"] == 512)
    rows, count = header["rows"], -(-header["rows"] // 512)
    blocks = [raw(b) for b in shown["blocks"]] if only is None else [raw(shown["block"])]
    leaves = [sha(b"\0\x30", b) for b in blocks]
    first = 0 if only is None else only // 512
    if only is None:
        need(len(blocks) == count and mth(leaves).hex() == header["root"])
    else:
        need(climb(first, count, leaves[0], split(shown["path"])).hex() == header["root"])
    layouts = [c[3] for c in header["columns"]] + ["i8"] * len(header["hidden"])
    cells: list[list[Any]] = [[] for _ in layouts]
    for n, block in enumerate(blocks, first):
        data_, here = Bytes(block), min(512, rows - n * 512)
        for into, layout in zip(cells, layouts, strict=True):
            into.extend(column(layout, here, data_.inner()))
        need(not data_.data)
    own = len(header["columns"])
    hidden = dict(zip(header["hidden"], cells[own:], strict=True))
    return header["columns"], cells[:own], hidden, first * 512


def dead(shown: dict[str, Any], entry: dict[str, Any]) -> set[int]:
    if "marks" not in entry:
        return set()
    data = raw(shown["marks"])
    need(sha(data).hex() == entry["marks"][1])
    return set(BitMap.deserialize(data[12:]))


def kind_row(proof: Any, leaf: Any, _other: Any) -> dict[str, Any]:
    seen = opened(proof["state"], leaf)
    table = table_of(seen, proof["table"])
    ((key, value),) = [s for s in files_of(seen, proof["table"]) if s is not None]
    entry, shown, at = json.loads(value), proof["file"], number(proof["at"])
    need(("marks" in entry) == ("marks" in shown))
    need(set(shown) - {"marks"} in ({"object"}, {"header", "block", "path"}))
    columns, cells, hidden, first = file_rows(shown, entry, at)
    need(at not in dead(shown, entry))
    names = {c["id"]: c["name"] for c in table["columns"]}
    row = {
        names[c[0]]: text(own[at - first], c[2])
        for c, own in zip(columns, cells, strict=True)
        if c[0] in names
    }
    rid = hidden["_rid"][at - first] if "_rid" in hidden else None
    row["_rid"] = str(int(key.rsplit("/", 1)[1], 16) + at if rid is None else rid)
    need(row == proof["row"])
    return {"row": row}


MASK = 2**64 - 1
ODD, PRIME = 0x9E3779B97F4A7C15, 0x100000001B3


def mix(x: int) -> int:
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def ticks(key: str, kind: str) -> int | None:
    if kind == "DATE":
        return (date.fromisoformat(key) - date(1970, 1, 1)).days
    if kind in TICKS:
        whole, _, rest = key.partition(".")
        moment = datetime.fromisoformat(whole if "T" in whole else f"1970-01-01T{whole}")
        seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)) // timedelta(
            seconds=1
        )
        return seconds * 10 ** TICKS[kind] + int(rest.ljust(TICKS[kind], "0") or "0")
    if kind == "BOOLEAN":
        return int(key == "true")
    return int(key) if kind.endswith(("INT", "INTEGER")) else None


def word(key: list[str], kinds: list[str]) -> int:
    total = 0
    for value, kind in zip(key, kinds, strict=True):
        whole = ticks(value, kind)
        if whole is not None:
            whole = whole if kind == "UBIGINT" else (whole & MASK) ^ 1 << 63
            if len(key) == 1:
                return whole
            own = mix(whole)
        elif kind in {"FLOAT", "DOUBLE"}:
            bits = struct.unpack("<Q", struct.pack("<d", float(value) + 0.0))[0]
            own = mix(0x7FF8 << 48 if math.isnan(float(value)) else bits)
        elif kind.startswith("DECIMAL"):
            digits = int(value.replace(".", "")) & (1 << 128) - 1
            own = mix(digits & MASK ^ mix(digits >> 64))
        else:
            data = value.encode()
            own = mix(
                sum((b + 1) * pow(PRIME, n, 1 << 64) for n, b in enumerate(data, 1))
                + len(data) * ODD
                & MASK
            )
        total = mix(total * ODD + own & MASK)
    return total


def kind_absent(proof: Any, leaf: Any, _other: Any) -> dict[str, Any]:
    seen = opened(proof["state"], leaf)
    table = table_of(seen, proof["table"])
    by_id = {c["id"]: c for c in table["columns"]}
    ids, key = table["key"], proof["key"]
    kinds = [by_id[i]["type"] for i in ids]
    need(len(key) == len(ids) and all(spelling(k, t) for k, t in zip(key, kinds, strict=True)))
    files = files_of(seen, proof["table"])
    need(None not in files)
    need({name.rsplit("/", 1)[1] for name, _ in files} == set(proof["files"]))
    for name, value in files:
        shown, entry = proof["files"][name.rsplit("/", 1)[1]], json.loads(value)
        need(set(shown) - {"marks"} in ({"object"}, {"header", "blocks"}, {"keys", "blocks"}))
        hits = (
            indexed(shown, entry, ids, key, kinds)
            if "keys" in shown
            else listed_hits(shown, entry, ids, key)
        )
        need(("marks" in shown) == bool(hits))
        need(not hits or hits <= dead(shown, entry))
    return {"key": dict(zip([by_id[i]["name"] for i in ids], key, strict=True))}


def spelling(key: str, kind: str) -> bool:
    whole = ticks(key, kind)
    if kind == "BOOLEAN":
        return key in {"true", "false"}
    return whole is None or text(whole, kind) == key


def listed_hits(shown: Any, entry: Any, ids: Any, key: Any) -> set[int]:
    columns, cells, _, _ = file_rows(shown, entry, None)
    own = {c[0]: [text(v, c[2]) for v in values] for c, values in zip(columns, cells, strict=True)}
    return {n for n, row in enumerate(zip(*(own[i] for i in ids), strict=True)) if list(row) == key}


def indexed(shown: Any, entry: Any, ids: Any, key: Any, kinds: Any) -> set[int]:
    header = json.loads(shown["keys"])
    need(sha(shown["keys"].encode()).hex() == entry["keys"][0][0])
    need([i for i, _ in header["columns"]] == ids and header["rows"] == entry["rows"])
    wanted = word(key, kinds)
    first = [int(header["first"][n : n + 16], 16) for n in range(0, len(header["first"]), 16)]
    after = [*first[1:], int(header["last"], 16)]
    places = [n for n in range(len(first)) if first[n] <= wanted <= after[n]]
    blocks = [raw(b) for b in shown["blocks"]]
    hits: set[int] = set()
    for n, block in zip(places, blocks, strict=True):
        need(sha(block).hex() == header["blocks"][64 * n : 64 * n + 64])
        rows = len(block) // 12
        words = struct.unpack(f"<{rows}Q", block[: 8 * rows])
        at = struct.unpack(f"<{rows}I", block[8 * rows :])
        hits |= {at[m] for m in range(rows) if words[m] == wanted}
    return hits


KINDS = {
    "commit": kind_commit,
    "state": kind_state,
    "table": kind_table,
    "changes": kind_changes,
    "row": kind_row,
    "absent": kind_absent,
}
