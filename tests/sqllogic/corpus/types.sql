-- Every column type at its edges: stored, filtered, ordered, grouped.
CREATE TABLE ints (id INTEGER, i8 TINYINT, i16 SMALLINT, i32 INTEGER, i64 BIGINT, i128 HUGEINT, u8 UTINYINT, u16 USMALLINT, u32 UINTEGER, u64 UBIGINT, u128 UHUGEINT);
INSERT INTO ints VALUES
  (1, -128, -32768, -2147483648, -9223372036854775808, '-170141183460469231731687303715884105728', 0, 0, 0, 0, '0'),
  (2, 127, 32767, 2147483647, 9223372036854775807, '170141183460469231731687303715884105727', 255, 65535, 4294967295, 18446744073709551615, '340282366920938463463374607431768211455'),
  (3, 0, 0, 0, 0, '0', 1, 1, 1, 1, '1'), (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE reals (id INTEGER, r REAL, d DOUBLE, d4 DECIMAL(4,1), d9 DECIMAL(9,4), d18 DECIMAL(18,6), d38 DECIMAL(38,10));
INSERT INTO reals VALUES
  (1, 1.1, 1.1, 999.9, 99999.9999, 999999999999.999999, 9999999999999999999999999999.9999999999),
  (2, -3.4e38, -1.7976931348623157e308, -999.9, -99999.9999, -999999999999.999999, -9999999999999999999999999999.9999999999),
  (3, 'NaN'::REAL, 'NaN'::DOUBLE, 0, 0, 0, 0), (4, 'Infinity'::REAL, '-Infinity'::DOUBLE, 0.1, 0.0001, 0.000001, 0.0000000001), (5, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE others (id INTEGER, b BOOLEAN, u UUID, e ENUM('sad', 'ok', 'happy'), bl BLOB, bt BIT, j JSON, tt TIMETZ, ua UUID[], ea ENUM('sad', 'ok', 'happy')[], su STRUCT(u UUID, h HUGEINT, t TIME));
INSERT INTO others VALUES
  (1, true, '00000000-0000-0000-0000-000000000001', 'happy', '\x00\x01'::BLOB, '10101', '{"a": [1, 2, null]}', '12:00:00+02', ['ffffffff-ffff-ffff-ffff-ffffffffffff'], ['sad', NULL], {'u': '12345678-1234-1234-1234-123456789abc', 'h': 170141183460469231731687303715884105727, 't': '01:02:03'}),
  (2, false, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'sad', ''::BLOB, '0', '"text"', '00:00:00-11:30', [], [], {'u': NULL, 'h': -1, 't': NULL}),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, true, '80000000-0000-0000-0000-000000000000', 'ok', '\xFF'::BLOB, '1111111111111111', 'null', '23:59:59.999999+15:59', [NULL], ['happy','ok'], {'u': '00000000-0000-0000-0000-000000000000', 'h': 0, 't': '23:59:59.999999'});

SELECT * FROM ints ORDER BY id;
SELECT * FROM reals ORDER BY id;
SELECT * FROM others ORDER BY id;
SELECT sum(i8), sum(i16), sum(i32), sum(u8), sum(u16), sum(u32) FROM ints;
SELECT max(i64), min(i64), max(u64), min(u64) FROM ints;
SELECT max(i128), min(i128), max(u128), min(u128) FROM ints;
SELECT id FROM ints WHERE i64 = -9223372036854775808;
SELECT id FROM ints WHERE u64 = 18446744073709551615;
SELECT id FROM ints WHERE u64 > 9223372036854775807;
SELECT id FROM ints WHERE i128 < 0;
SELECT id FROM ints WHERE u128 = 340282366920938463463374607431768211455;
SELECT id FROM ints WHERE i8 BETWEEN -128 AND 0;
SELECT id, i32::BIGINT * 2, u32::BIGINT * 2 FROM ints;
SELECT id, i64::HUGEINT * 10, u64::HUGEINT + 1 FROM ints;
SELECT id FROM ints ORDER BY u64 DESC NULLS LAST, id;
SELECT id FROM ints ORDER BY i128 NULLS FIRST, id;
SELECT u64, count(*) FROM ints GROUP BY u64;
SELECT avg(i64), avg(u8) FROM ints WHERE id = 3;
SELECT id, r, d FROM reals WHERE d > 0;
SELECT id FROM reals WHERE d4 = 999.9;
SELECT id FROM reals WHERE d38 > 9999999999999999999999999999.0;
SELECT id FROM reals WHERE d9 = 0.0001 OR d18 = 0.000001;
SELECT sum(d4), sum(d9), sum(d18), avg(d9) FROM reals;
SELECT sum(d38) FROM reals WHERE id IN (1, 2, 4);
SELECT id, d4 * d9, d4 + 0.05, -d18, d4::INTEGER FROM reals;
SELECT id, r::DOUBLE > d FROM reals;
SELECT id FROM reals ORDER BY r NULLS FIRST, id;
SELECT id, d4::VARCHAR, d38::VARCHAR, d::VARCHAR FROM reals;
SELECT id FROM others WHERE u = '00000000-0000-0000-0000-000000000001';
SELECT id FROM others WHERE u > '7fffffff-ffff-ffff-ffff-ffffffffffff';
SELECT id FROM others ORDER BY u NULLS LAST;
SELECT id FROM others WHERE e = 'happy';
SELECT id FROM others WHERE e < 'happy';
SELECT id, e FROM others ORDER BY e NULLS FIRST;
SELECT e, count(*) FROM others GROUP BY e;
SELECT max(e), min(e) FROM others;
SELECT enum_range(NULL::ENUM('sad', 'ok', 'happy')), enum_first(NULL::ENUM('sad', 'ok', 'happy')), enum_code(e) FROM others WHERE id = 1;
SELECT id FROM others WHERE bl = '\x00\x01'::BLOB OR bl = ''::BLOB;
SELECT id, bit_count(bt), bt & bt, length(bt) FROM others;
SELECT id, j->'a', j->>'$.a[1]', json_type(j) FROM others;
SELECT id, json_extract_string(j, '$') FROM others WHERE id = 2;
SELECT id, tt FROM others WHERE tt IS NOT NULL;
SELECT id, ua, ea FROM others;
SELECT id, su.u, su.h, su.t FROM others;
SELECT id FROM others WHERE list_contains(ea, 'sad'::ENUM('sad', 'ok', 'happy'));
SELECT id FROM others WHERE b;
SELECT b, count(*) FROM others GROUP BY b;
SELECT a.id, b.id FROM others a JOIN others b ON a.u = b.u;
SELECT a.id, b.id FROM others a JOIN others b ON a.e > b.e;
SELECT a.id, b.id FROM ints a JOIN ints b ON a.u64 = b.u64;
SELECT typeof(i8), typeof(u64), typeof(i128) FROM ints WHERE id = 1;
SELECT typeof(u), typeof(e), typeof(bl), typeof(bt), typeof(j), typeof(tt), typeof(ua), typeof(su) FROM others WHERE id = 1;
SELECT typeof(r), typeof(d), typeof(d4), typeof(d38) FROM reals WHERE id = 1;
SELECT count(DISTINCT u), count(DISTINCT e), count(DISTINCT bl) FROM others;
