"""Types against DuckDB itself: canonical text, what it exchanges, and that nothing is lost."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from engine.datatypes import conform, decode, encode, parse_type
from engine.datatypes.types import SCALARS
from engine.errors import CorruptError, TypeMismatchError, UnsupportedError


@pytest.fixture(scope="module")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    return connection.execute(sql).fetchall()[0][0]


SPELLINGS = """
BOOL LOGICAL BOOLEAN|INT1 TINYINT|INT2 SHORT SMALLINT INT16|INT INT4 SIGNED INTEGER INT32 integer
INT8 LONG BIGINT INT64 OID|INT128 HUGEINT|UTINYINT UINT8|USMALLINT UINT16|UINTEGER UINT32
UBIGINT UINT64|UHUGEINT UINT128|FLOAT FLOAT4 REAL FLOAT(24)|DOUBLE FLOAT8|NUMERIC DEC DECIMAL
DECIMAL(10)|NUMERIC(5,5)|DECIMAL(38,38)|VARCHAR CHAR BPCHAR TEXT STRING NVARCHAR VARCHAR(10) CHAR(3)
BLOB BYTEA BINARY VARBINARY|BIT BITSTRING|UUID GUID|JSON|DATE|TIME|TIMETZ|TIME_NS
TIMESTAMP DATETIME TIMESTAMP_US TIMESTAMP(6) TIMESTAMP(5)|TIMESTAMP_S TIMESTAMP(0)
TIMESTAMP_MS TIMESTAMP(3) TIMESTAMP(1)|TIMESTAMP_NS TIMESTAMP(9)|TIMESTAMPTZ|TIMESTAMPTZ_NS
INTERVAL|INT[]|INT[3]|INT[][3]|INT[3][]|"INTEGER"
""".replace("|", " ").split()
SPACED = [
    "DOUBLE PRECISION",
    "CHARACTER VARYING",
    "TIMESTAMP WITH TIME ZONE",
    "timestamp without time zone",
    "TIME WITH TIME ZONE",
    "TIME WITHOUT TIME ZONE",
    "DECIMAL( 7 , 2 )",
    "INTEGER ARRAY",
    "INTEGER ARRAY[3]",
    "ENUM('a', 'b''c', '')",
    "MAP(INT, STRUCT(a INT, b TEXT[]))",
    'ROW(A INT, "b c" UUID[], "d""e" TIMETZ, "é" INT)',
    'STRUCT("select" INT, "date" DATE, "name" TEXT, year INT, x1 INT, _y INT)',
    "MAP(UUID, ENUM('x', 'y')[])",
    "STRUCT(a STRUCT(b STRUCT(c HUGEINT[3])))",
]


@pytest.mark.parametrize("spelling", SPELLINGS + SPACED)
def test_canonical_text_is_duckdbs(duck: duckdb.DuckDBPyConnection, spelling: str) -> None:
    t = parse_type(spelling)
    assert t.text == one(duck, f"SELECT typeof(CAST(NULL AS {spelling}))")
    assert parse_type(t.text) is parse_type(t.text)
    assert parse_type(t.text).text == t.text
    assert one(duck, f"SELECT typeof(CAST(NULL AS {t.wire_text}))") == t.wire_text


@pytest.mark.parametrize("word", sorted({"select", "all", "year", "name", "tuple", "abc", "a1_"}))
def test_field_names_are_quoted_as_duckdb_quotes_them(
    duck: duckdb.DuckDBPyConnection, word: str
) -> None:
    text = f'STRUCT("{word}" INTEGER)'
    assert parse_type(text).text == one(duck, f"SELECT typeof(CAST(NULL AS {text}))")


def test_every_keyword_is_known(duck: duckdb.DuckDBPyConnection) -> None:
    words = [
        row[0] for row in duck.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()
    ]
    text = "STRUCT(" + ", ".join(f'"{w}" INTEGER' for w in dict.fromkeys(words)) + ")"
    assert parse_type(text).text == one(duck, f"SELECT typeof(CAST(NULL AS {text}))")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("UNION(a INT, b TEXT)", "UNION"),
        ("BIGNUM", "BIGNUM"),
        ("VARINT", "VARINT"),
        ("VARIANT", "VARIANT"),
        ("GEOMETRY", "GEOMETRY"),
        ('"NULL"', "NULL"),
        ("STRUCT(a INT, b VARIANT[])", "VARIANT"),
        ("NOSUCH", "NOSUCH"),
        ("LIST", "LIST"),
        ("DECIMAL(39,0)", "38"),
        ("DECIMAL(0,0)", "38"),
        ("DECIMAL(4,5)", "scale"),
        ("INT[0]", "array"),
        ("STRUCT()", "field"),
        ("STRUCT(a INT, A INT)", "same name"),
        ("ENUM()", "quotes"),
        ("ENUM('a','a')", "same"),
        ("INT)", "unexpected"),
        ("INT[", "number"),
        ("MAP(INT)", "expected ,"),
        ("TIMESTAMP(10)", "0 to 9"),
        ("TIMESTAMP(3) WITH TIME ZONE", "precision"),
        ("", "name of a type"),
        ("INT; DROP TABLE t", "unexpected"),
        ("INT" + "[]" * 100, "64 levels"),
        ("STRUCT(a " * 100 + "INT" + ")" * 100, "64 levels"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(UnsupportedError, match=named):
        parse_type(text)


def test_misspelt_type_gets_a_hint() -> None:
    with pytest.raises(UnsupportedError) as caught:
        parse_type("INTEGR")
    assert caught.value.hint == "did you mean INTEGER?"


VALUES: dict[str, list[str]] = {
    "BOOLEAN": ["true", "false"],
    "TINYINT": ["-128", "127"],
    "SMALLINT": ["-32768", "32767"],
    "INTEGER": ["-2147483648", "2147483647"],
    "BIGINT": ["-9223372036854775808", "9223372036854775807"],
    "UTINYINT": ["0", "255"],
    "USMALLINT": ["0", "65535"],
    "UINTEGER": ["0", "4294967295"],
    "UBIGINT": ["0", "18446744073709551615"],
    "HUGEINT": [
        "170141183460469231731687303715884105727",
        "-170141183460469231731687303715884105728",
    ],
    "UHUGEINT": ["0", "340282366920938463463374607431768211455"],
    "FLOAT": ["nan", "-0.0", "inf", "-inf", "1e-45", "3.4028235e38"],
    "DOUBLE": ["nan", "-0.0", "inf", "-inf", "5e-324", "1.7976931348623157e308"],
    "DECIMAL(1,0)": ["9", "-9"],
    "DECIMAL(18,3)": ["999999999999999.999"],
    "DECIMAL(38,0)": ["9" * 38, "-" + "9" * 38],
    "DECIMAL(38,38)": ["0." + "9" * 38, "0"],
    "VARCHAR": ["", "é\U0010ffff", "it''s", " "],
    "BIT": ["0", "0101010101011", "1" * 70],
    "UUID": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "JSON": ['{"a":  [1, null]}', "null", '"x"'],
    "DATE": ["infinity", "-infinity", "5877642-06-25 (BC)", "5881580-07-10", "0001-01-01"],
    "TIME": ["00:00:00", "23:59:59.999999", "24:00:00"],
    "TIME_NS": ["00:00:00", "23:59:59.999999999", "24:00:00"],
    "TIME WITH TIME ZONE": ["24:00:00-15:59:59", "00:00:00+15:59:59", "12:00:00.123456+01"],
    "TIMESTAMP": [
        "infinity",
        "-infinity",
        "0001-01-01",
        "9999-12-31 23:59:59.999999",
        "290000-01-01 00:00:00.000001",
        "290309-12-22 (BC) 00:00:00",
        "294247-01-10 04:00:54.775806",
    ],
    "TIMESTAMP_S": ["infinity", "-infinity", "290309-12-22 (BC) 00:00:00", "290000-01-01"],
    "TIMESTAMP_MS": ["infinity", "-infinity", "0001-01-01 00:00:00.001", "290000-01-01"],
    "TIMESTAMP_NS": ["infinity", "-infinity", "2262-04-11 23:47:16.854775806", "1677-09-22"],
    "TIMESTAMP WITH TIME ZONE": ["infinity", "-infinity", "290000-01-01 00:00:00+00"],
    "TIMESTAMPTZ_NS": ["infinity", "-infinity", "2262-04-11 23:47:16.854775806+00"],
    "INTERVAL": [
        "2147483647 months",
        "-2147483648 days",
        "9223372036854775807 microseconds",
        "-9223372036854775807 microseconds",
        "-1 months 1 day -00:00:00.000001",
        "0 days",
    ],
    "BLOB": [r"", r"\x00", r"\xFF\x00a"],
    "ENUM('b', 'a', '')": ["a", "b", ""],
}


def test_values_cover_every_type() -> None:
    assert set(SCALARS) <= set(VALUES)


def travelled(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    """Send table t's column x to rest and back, and compare inside DuckDB."""
    t = parse_type(text)
    expression = f"CAST(x AS {t.wire_text})" if t.cast_on_read else "x"
    sent = duck.sql(f"SELECT {expression} AS x, i FROM t ORDER BY i").to_arrow_table()
    array = sent["x"].combine_chunks()
    at_rest = encode(array, t)
    assert at_rest.type == t.physical
    back = decode(at_rest, t)
    assert back.type.equals(t.wire, check_metadata=True)
    back.validate(full="TIME" not in text or "TIMESTAMP" in text)  # Arrow knows no 24:00:00
    duck.register("r", pa.table({"y": back, "j": sent["i"]}))
    if not t.cast_on_read:
        assert one(duck, "SELECT typeof(y) FROM r LIMIT 1") == t.text
    wrong = duck.execute(
        f"SELECT x, y FROM t JOIN r ON i = j WHERE CAST(y AS {t.text}) IS DISTINCT FROM x "
        f"OR CAST(y AS {t.text})::VARCHAR IS DISTINCT FROM x::VARCHAR"
    ).fetchall()
    duck.unregister("r")
    assert wrong == []
    assert one(duck, "SELECT count(*) FROM t") == len(back)


def literal(value: str, text: str) -> str:
    if text == "INTERVAL" and value.endswith("microseconds"):
        return f"to_microseconds({value.split(maxsplit=1)[0]})"
    quoted = value if text == "VARCHAR" else value.replace("'", "''")
    return f"CAST('{quoted}' AS {text})"


@pytest.mark.parametrize("text", sorted(VALUES))
def test_edge_values_survive(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    rows = ", ".join(f"({literal(v, text)})" for v in VALUES[text])
    if text == "VARCHAR":
        rows += ", (chr(0) || 'a' || chr(0))"
    duck.execute(
        f"CREATE OR REPLACE TABLE t AS SELECT x, row_number() OVER () AS i "
        f"FROM (VALUES {rows}, (CAST(NULL AS {text}))) v(x)"
    )
    travelled(duck, text)


@pytest.mark.parametrize("text", sorted(VALUES))
def test_edge_values_survive_inside_others(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    values = [literal(v, text) for v in VALUES[text]]
    null = f"CAST(NULL AS {text})"
    items = ", ".join([*values, null])
    shapes = {
        f"{text}[]": [f"[{items}]", "[]", "NULL", f"[{null}]"],
        f"{text}[2]": [f"[{values[0]}, {null}]", "NULL", f"[{values[-1]}, {values[0]}]"],
        f'STRUCT(a {text}, "b c" {text}[])': [
            f"{{'a': {values[0]}, 'b c': [{items}]}}",
            "NULL",
            f"{{'a': {null}, 'b c': NULL}}",
        ],
        f"MAP(INTEGER, {text})": [f"MAP {{1: {values[0]}, 2: {null}}}", "MAP {}", "NULL"],
        f"STRUCT(m MAP(VARCHAR, {text}[2][])[])[]": [
            f"[{{'m': [MAP {{'k': [[{values[0]}, {null}], NULL]}}, NULL]}}, NULL, {{'m': NULL}}]",
            "NULL",
            "[]",
        ],
    }
    for shape, cases in shapes.items():
        rows = ", ".join(f"(CAST({c} AS {shape}))" for c in cases)
        duck.execute(
            f"CREATE OR REPLACE TABLE t AS SELECT x, row_number() OVER () AS i "
            f"FROM (VALUES {rows}) v(x)"
        )
        travelled(duck, parse_type(shape).text)


def test_null_keys_of_a_map_are_duckdbs_to_refuse(duck: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        duck.execute("SELECT MAP {NULL: 1}")


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array([1], pa.int64()), "INTEGER"),
        (pa.array([1], pa.int32()), "BIGINT"),
        (pa.array([1], pa.timestamp("us")), "TIMESTAMP WITH TIME ZONE"),
        (pa.array([1], pa.timestamp("us", "UTC")), "TIMESTAMP"),
        (pa.array([1], pa.timestamp("ms")), "TIMESTAMP"),
        (pa.array([{"b": 1}]), "STRUCT(a BIGINT)"),
        (pa.array([[1, 2]], pa.list_(pa.int32(), 2)), "INTEGER[3]"),
        (pa.array([[1]], pa.list_(pa.int64())), "INTEGER[]"),
        (pa.array(["a"]), "BLOB"),
        (pa.array([1.0]), "FLOAT"),
    ],
)
def test_encode_never_converts(array: pa.Array, text: str) -> None:
    with pytest.raises(TypeMismatchError):
        encode(array, parse_type(text))


def test_decimals_of_another_scale_are_refused() -> None:
    array = pa.array([100], pa.int64()).cast(pa.decimal128(20, 0)).cast(pa.decimal128(38, -2))
    with pytest.raises(TypeMismatchError):
        encode(array, parse_type("DECIMAL(38,0)"))


def test_conform_accepts_other_spellings_of_the_same_values() -> None:
    t = parse_type("TIMESTAMP WITH TIME ZONE")
    assert conform(pa.array([5], pa.timestamp("us", "Etc/UTC")), t).type == t.wire
    t = parse_type("ENUM('a')[]")
    array = pa.array([["a", None]], pa.list_(pa.field("l", pa.string())))
    assert conform(array, t).type.equals(t.wire, check_metadata=True)
    assert conform(pa.nulls(2), parse_type("STRUCT(a INT)")).null_count == 2
    assert conform(pa.array(["a"]).dictionary_encode(), parse_type("VARCHAR")).to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array([256], pa.int16()), "UTINYINT"),
        (pa.array([-1], pa.int64()), "UINTEGER"),
        (pa.array([[1, 2, 3]], pa.list_(pa.int32())), "INTEGER[2]"),
        (pa.array(["a"]), "INTEGER"),
    ],
)
def test_decode_refuses_what_encode_never_made(array: pa.Array, text: str) -> None:
    with pytest.raises(CorruptError):
        decode(array, parse_type(text))


def test_slices_encode_like_their_copies() -> None:
    t = parse_type("STRUCT(a UINTEGER[2][], m MAP(VARCHAR, TIMESTAMP))")
    rows = [
        {"a": [[1, 2], None], "m": [("k", 1), ("l", None)]},
        None,
        {"a": None, "m": None},
        {"a": [], "m": []},
        {"a": [[3, None]], "m": [("z", 9)]},
    ]
    array = pa.array(rows, t.wire)
    for start in range(5):
        for length in range(6 - start):
            part = array.slice(start, length)
            assert decode(encode(part, t), t).equals(part)
            assert encode(part, t).to_pylist() == encode(array, t).slice(start, length).to_pylist()
