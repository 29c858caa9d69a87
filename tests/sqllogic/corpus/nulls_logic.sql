-- Three-valued logic, comparison, CASE, arithmetic.
CREATE TABLE v (id INTEGER, a INTEGER, b INTEGER, f DOUBLE, ok BOOLEAN);
INSERT INTO v VALUES (1,1,2,1.5::DOUBLE,true),(2,NULL,2,NULL,false),(3,3,NULL,'NaN'::DOUBLE,NULL),(4,NULL,NULL,'Infinity'::DOUBLE,true),(5,-7,2,'-Infinity'::DOUBLE,false),(6,7,-2,'-0.0'::DOUBLE,NULL),(7,0,0,0.0,true);

SELECT id, a = b, a <> b, a < b, a IS NULL, b IS NOT NULL FROM v;
SELECT id, a == b, a != b FROM v;
SELECT id, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b FROM v;
SELECT id, ok AND a > 0, ok OR a > 0, NOT ok FROM v;
SELECT id, ok IS TRUE, ok IS NOT TRUE, ok IS FALSE, ok IS NOT FALSE, ok IS NULL FROM v;
SELECT id FROM v WHERE ok;
SELECT id FROM v WHERE NOT ok;
SELECT id FROM v WHERE a > b OR b > a;
SELECT id FROM v WHERE NOT (a > 0 AND b > 0);
SELECT id FROM v WHERE a IN (1, NULL);
SELECT id FROM v WHERE a NOT IN (1, NULL);
SELECT id FROM v WHERE a NOT IN (1, 3);
SELECT id FROM v WHERE a BETWEEN -7 AND 1;
SELECT id FROM v WHERE a NOT BETWEEN 0 AND 3;
SELECT id, coalesce(a, b, -1), ifnull(a, 0), nullif(a, 3) FROM v;
SELECT id, CASE WHEN a > 0 THEN 'pos' WHEN a < 0 THEN 'neg' WHEN a = 0 THEN 'zero' END FROM v;
SELECT id, CASE a WHEN 1 THEN 'one' WHEN 3 THEN 'three' ELSE 'other' END FROM v;
SELECT id, if(a > 0, 'y', 'n'), iif FROM (SELECT id, a, a > 1 AS iif FROM v);
SELECT id, greatest(a, b), least(a, b) FROM v;
SELECT id, a + b, a - b, a * b, a / b, a // b, a % b FROM v WHERE b <> 0;
SELECT id, -a, abs(a), sign(a), a ** 2, pow(a, 2) FROM v;
SELECT id, a & b, a | b, xor(a, b), ~a, a << 1 FROM v WHERE a >= 0;
SELECT id, f, isnan(f), isinf(f), isfinite(f) FROM v;
SELECT id FROM v WHERE f > 0;
SELECT id FROM v WHERE f = 'NaN'::DOUBLE;
SELECT id FROM v WHERE f < 'Infinity'::DOUBLE;
SELECT id FROM v WHERE f = 0;
SELECT id FROM v WHERE f <> f;
SELECT id FROM v WHERE f >= 'NaN'::DOUBLE;
SELECT id FROM v WHERE f NOT IN (1.5, 0);
SELECT id, f FROM v ORDER BY f NULLS LAST, id;
SELECT id, f FROM v ORDER BY f DESC NULLS LAST, id;
SELECT max(f), min(f) FROM v;
SELECT max(f), min(f), count(f) FROM v WHERE id <> 3;
SELECT f, count(*) FROM v GROUP BY f;
SELECT round(2.5), round(-2.5), round(1.235, 2), trunc(-1.7), ceil(1.2), floor(-1.2);
SELECT 7 / 2, 7 // 2, -7 // 2, -7 % 3, 7.0 / 0, 1 / 0, 0 / 0;
SELECT 1::TINYINT + 1::BIGINT, 1.5 + 1, 2 ** 10, 10 ^ 2;
SELECT sqrt(2), ln(2), log10(100), log2(8), exp(1), pi(), sin(1), atan2(1, 2), cbrt(27), degrees(pi()), gamma(5);
SELECT true AND NULL, false AND NULL, true OR NULL, NOT NULL, NULL = NULL;
SELECT NULL IS NULL, NULL::INTEGER + 1, 'a' || NULL;
SELECT a, b FROM v WHERE (a, b) = (1, 2);
SELECT id FROM v WHERE (a, b) > (0, 0);
SELECT id FROM v WHERE a IS NULL AND b IS NULL;
SELECT id FROM v WHERE a IS NULL OR f > 1;
SELECT id FROM v WHERE coalesce(a, 0) = 0;
SELECT count(*) FROM v WHERE a = NULL;
SELECT gcd(12, 18), lcm(4, 6), factorial(5), bit_count(255);
SELECT hash(1) = hash(1), typeof(1), typeof(1.5), typeof('a'), typeof(NULL), typeof([1]), typeof(DATE '2024-01-01');
SELECT TRY_CAST('x' AS INTEGER), TRY(1 // 0), TRY_CAST('300' AS TINYINT);
SELECT 1 WHERE 1 = 1;
SELECT 1 AS x WHERE false;
SELECT x + 1 AS y, y * 2 AS z FROM (SELECT 1 AS x);
SELECT 0x1F, 1e3, 1_000, .5, 5., -1, +1;
-- error
SELECT CAST('x' AS INTEGER);
-- error
SELECT 200::TINYINT;
-- error
SELECT no_such_function(1);
-- error
SELECT no_such_column FROM v;
-- error
SELECT 9223372036854775807 + 1::BIGINT;
