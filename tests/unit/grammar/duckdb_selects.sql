SELECT 1
SELECT 1 AS one, 'two' AS two, 3.5 AS three, NULL AS four, TRUE AS five
SELECT 1, 2, 3,
SELECT * FROM emp
SELECT e.* FROM emp e
SELECT * EXCLUDE (salary) FROM emp
SELECT * REPLACE (salary * 2 AS salary) FROM emp
SELECT * RENAME (salary AS pay) FROM emp
SELECT * EXCLUDE (dept) REPLACE (upper(name) AS name) FROM emp
SELECT COLUMNS('.*a.*') FROM emp
SELECT COLUMNS(* EXCLUDE (name)) FROM emp
SELECT COLUMNS(lambda c: c LIKE '%a%') FROM emp
SELECT min(COLUMNS(*)), max(COLUMNS('salary')) FROM emp
SELECT * LIKE '%a%' FROM emp
SELECT DISTINCT dept FROM emp
SELECT DISTINCT ON (dept) dept, name FROM emp ORDER BY dept, salary DESC
SELECT ALL dept FROM emp
FROM emp
FROM emp SELECT name
FROM emp SELECT name WHERE salary > 100
FROM emp AS e, dept AS d SELECT e.name, d.title WHERE e.dept = d.id
SELECT name FROM emp WHERE salary BETWEEN 90 AND 150
SELECT name FROM emp WHERE salary NOT BETWEEN 90 AND 150
SELECT name FROM emp WHERE dept IN (1, 2) AND NOT (salary < 50)
SELECT name FROM emp WHERE dept NOT IN (SELECT id FROM dept WHERE title = 'ops')
SELECT name FROM emp WHERE dept IS NULL OR dept IS NOT NULL
SELECT name FROM emp WHERE dept ISNULL
SELECT name FROM emp WHERE dept NOTNULL
SELECT name FROM emp WHERE name LIKE 'a%' OR name ILIKE 'B%' OR name NOT LIKE '%x%'
SELECT name FROM emp WHERE name LIKE 'a\%' ESCAPE '\'
SELECT name FROM emp WHERE name SIMILAR TO '[abc].*'
SELECT name FROM emp WHERE name GLOB 'a*'
SELECT name FROM emp WHERE name ~ 'a.*'
SELECT name FROM emp WHERE name !~ 'a.*'
SELECT name FROM emp WHERE name ~~ 'a%' AND name !~~ 'b%'
SELECT name FROM emp WHERE regexp_matches(name, '^[ab]')
SELECT name FROM emp WHERE dept IS DISTINCT FROM 1
SELECT name FROM emp WHERE dept IS NOT DISTINCT FROM NULL
SELECT name FROM emp WHERE (dept, salary) IN ((1, 100), (2, 80))
SELECT name FROM emp WHERE salary > ALL (SELECT salary FROM emp WHERE dept = 2)
SELECT name FROM emp WHERE salary = ANY (SELECT max(salary) FROM emp GROUP BY dept)
SELECT name FROM emp WHERE salary > ANY ([90, 100])
SELECT name FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept)
SELECT name FROM emp e WHERE NOT EXISTS (FROM dept d WHERE d.id = e.dept)
SELECT (SELECT count(*) FROM dept) AS n, name FROM emp
SELECT ARRAY(SELECT id FROM dept ORDER BY id) AS ids
SELECT name FROM emp ORDER BY salary DESC NULLS LAST, name
SELECT name FROM emp ORDER BY 1 LIMIT 2 OFFSET 1
SELECT name FROM emp ORDER BY ALL
SELECT name FROM emp ORDER BY ALL DESC
SELECT * FROM emp ORDER BY name LIMIT 50%
SELECT * FROM emp ORDER BY name LIMIT (SELECT 2)
SELECT name FROM emp ORDER BY name OFFSET 1 LIMIT 2
SELECT name FROM emp ORDER BY name FETCH FIRST 2 ROWS ONLY
SELECT name FROM emp ORDER BY name COLLATE NOCASE
SELECT dept, count(*), sum(salary), avg(salary), min(name), max(name) FROM emp GROUP BY dept ORDER BY dept
SELECT dept, count(*) AS n FROM emp GROUP BY dept HAVING n > 1 ORDER BY ALL
SELECT dept, count(*) FROM emp GROUP BY ALL ORDER BY ALL
SELECT dept, count(DISTINCT salary), string_agg(name, ',' ORDER BY name DESC) FROM emp GROUP BY 1 ORDER BY 1
SELECT list(name ORDER BY name) FILTER (WHERE salary > 90) FROM emp
SELECT array_agg(DISTINCT dept ORDER BY dept) FROM emp
SELECT group_concat(name, '; ' ORDER BY name) FROM emp
SELECT listagg(name, '; ' ORDER BY name) FROM emp
SELECT dept, name, sum(salary) FROM emp GROUP BY GROUPING SETS ((dept), (name), ()) ORDER BY ALL
SELECT dept, hired, sum(salary), grouping(dept, hired) FROM emp GROUP BY ROLLUP (dept, hired) ORDER BY ALL
SELECT dept, hired, sum(salary) FROM emp GROUP BY CUBE (dept, hired) ORDER BY ALL
SELECT quantile_cont(salary, 0.5), quantile_disc(salary, [0.25, 0.75]), median(salary), mode(dept) FROM emp
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY salary) FROM emp
SELECT arg_max(name, salary), arg_min(name, salary), max_by(name, salary) FROM emp
SELECT arg_max(name, salary, 2), max(salary, 2), min(salary, 2) FROM emp
SELECT first(name ORDER BY salary), last(name ORDER BY salary), any_value(1) FROM emp
SELECT stddev(salary), stddev_pop(salary), var_samp(salary), variance(salary), skewness(salary), kurtosis(salary), entropy(dept) FROM emp
SELECT corr(salary, dept), covar_pop(salary, dept), regr_slope(salary, dept), regr_r2(salary, dept) FROM emp
SELECT bit_and(dept), bit_or(dept), bit_xor(dept), bool_and(dept > 0), bool_or(dept > 1) FROM emp
SELECT histogram(dept), approx_count_distinct(name) > 0, product(dept), count_if(dept = 1), sum(1) FROM emp
SELECT name, row_number() OVER (ORDER BY salary DESC, name) FROM emp ORDER BY name
SELECT name, rank() OVER w, dense_rank() OVER w, percent_rank() OVER w, cume_dist() OVER w, ntile(2) OVER w FROM emp WINDOW w AS (PARTITION BY dept ORDER BY salary, name) ORDER BY name
SELECT name, lag(salary) OVER (ORDER BY name), lead(salary, 1, 0) OVER (ORDER BY name), first_value(name) OVER (ORDER BY name), last_value(name) OVER (ORDER BY name), nth_value(name, 2) OVER (ORDER BY name) FROM emp ORDER BY name
SELECT name, sum(salary) OVER (ORDER BY name ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM emp ORDER BY name
SELECT name, sum(salary) OVER (ORDER BY salary RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING) FROM emp ORDER BY name
SELECT name, sum(salary) OVER (ORDER BY salary GROUPS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM emp ORDER BY name
SELECT name, sum(salary) OVER (ORDER BY salary ROWS UNBOUNDED PRECEDING EXCLUDE TIES) FROM emp ORDER BY name
SELECT name, count(*) FILTER (WHERE salary > 90) OVER (PARTITION BY dept) FROM emp ORDER BY name
SELECT name, lag(dept IGNORE NULLS) OVER (ORDER BY name) FROM emp ORDER BY name
SELECT name, first_value(dept IGNORE NULLS) OVER (ORDER BY name) FROM emp ORDER BY name
SELECT name, last_value(dept RESPECT NULLS) OVER (ORDER BY name) FROM emp ORDER BY name
SELECT name, list(name ORDER BY name) OVER (PARTITION BY dept) FROM emp ORDER BY name
SELECT name, rank(ORDER BY salary) OVER (PARTITION BY dept) FROM emp ORDER BY name
SELECT name FROM emp QUALIFY row_number() OVER (PARTITION BY dept ORDER BY salary DESC, name) = 1 ORDER BY name
SELECT name, sum(salary) OVER w AS s FROM emp WINDOW w AS (PARTITION BY dept) QUALIFY s > 100 ORDER BY name
SELECT hired, avg(salary) OVER (ORDER BY hired RANGE BETWEEN INTERVAL 365 DAYS PRECEDING AND CURRENT ROW) FROM emp ORDER BY ALL
SELECT e.name, d.title FROM emp e JOIN dept d ON e.dept = d.id ORDER BY ALL
SELECT e.name, d.title FROM emp e LEFT JOIN dept d ON e.dept = d.id ORDER BY ALL
SELECT e.name, d.title FROM emp e RIGHT OUTER JOIN dept d ON e.dept = d.id ORDER BY ALL
SELECT e.name, d.title FROM emp e FULL JOIN dept d ON e.dept = d.id ORDER BY ALL
SELECT e.name, d.title FROM emp e CROSS JOIN dept d ORDER BY ALL
SELECT e.name FROM emp e SEMI JOIN dept d ON e.dept = d.id ORDER BY ALL
SELECT e.name FROM emp e ANTI JOIN dept d ON e.dept = d.id ORDER BY ALL
SELECT * FROM (SELECT 1 AS a, 2 AS b) JOIN (SELECT 1 AS a, 3 AS c) USING (a)
SELECT * FROM (SELECT 1 AS a, 2 AS b) NATURAL JOIN (SELECT 1 AS a, 3 AS c)
SELECT * FROM (SELECT 1 AS a, 2 AS b) NATURAL LEFT JOIN (SELECT 2 AS a, 3 AS c)
SELECT * FROM emp POSITIONAL JOIN dept
SELECT t.ts, p.price FROM trades t ASOF JOIN prices p ON t.sym = p.sym AND t.ts >= p.ts ORDER BY ALL
SELECT t.ts, p.price FROM trades t ASOF LEFT JOIN prices p USING (sym, ts) ORDER BY ALL
SELECT e.name, x.n FROM emp e, LATERAL (SELECT e.salary + 1 AS n) x ORDER BY ALL
SELECT e.name, x.n FROM emp e JOIN LATERAL (SELECT e.salary + 1 AS n) x ON true ORDER BY ALL
SELECT e.name, x.n FROM emp e LEFT JOIN LATERAL (SELECT d.title AS n FROM dept d WHERE d.id = e.dept) x ON true ORDER BY ALL
SELECT a.name, b.name FROM emp a, emp b WHERE a.dept = b.dept AND a.name < b.name ORDER BY ALL
SELECT * FROM (emp e JOIN dept d ON e.dept = d.id) ORDER BY ALL
SELECT * FROM emp e JOIN (dept d CROSS JOIN (SELECT 7 AS z) q) ON e.dept = d.id ORDER BY ALL
WITH a AS (SELECT 1 AS x), b(y) AS (SELECT x + 1 FROM a) SELECT * FROM a, b
WITH a AS MATERIALIZED (SELECT 1 AS x) SELECT * FROM a
WITH a AS NOT MATERIALIZED (SELECT 1 AS x) SELECT * FROM a
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n ORDER BY i
WITH RECURSIVE n(i) USING KEY (i) AS (SELECT 1 UNION SELECT i % 3 + 1 FROM n) SELECT * FROM n ORDER BY i
WITH a AS (FROM emp) FROM a SELECT count(*)
SELECT * FROM (WITH a AS (SELECT 1 AS x) SELECT * FROM a)
SELECT 1 UNION SELECT 2 ORDER BY 1
SELECT 1 UNION ALL SELECT 1
SELECT 1 EXCEPT SELECT 2
SELECT 1 INTERSECT SELECT 1
(SELECT 1 UNION ALL SELECT 1) EXCEPT ALL SELECT 1
SELECT 1 INTERSECT ALL SELECT 1
SELECT 1 AS a, 2 AS b UNION BY NAME SELECT 3 AS b, 4 AS a ORDER BY a
SELECT 1 AS a UNION ALL BY NAME SELECT 3 AS b ORDER BY ALL
SELECT 1 UNION (SELECT 2 UNION ALL SELECT 2) ORDER BY 1
FROM (SELECT 1) UNION ALL FROM (SELECT 2)
(SELECT 1 ORDER BY 1 LIMIT 1) UNION ALL (SELECT 2)
VALUES (1, 'a'), (2, 'b')
VALUES (1, 'a'), (2, 'b') ORDER BY 1 DESC
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(x, y)
SELECT * FROM (VALUES (1, 'a'), (2, 'b'))
SELECT * FROM VALUES (1, 'a') v(x, y)
TABLE dept
SELECT * FROM range(3)
SELECT * FROM range(1, 10, 3) t(i)
SELECT * FROM generate_series(1, 3) g
SELECT range(3), generate_series(1, 3), range(0, 10, 5)
SELECT * FROM unnest([1, 2, 3])
SELECT * FROM unnest([1, 2, 3]) AS t(x)
SELECT unnest([1, 2, 3]), unnest(['a', 'b'])
SELECT unnest({'a': 1, 'b': 2})
SELECT unnest([{'a': 1, 'b': [1, 2]}], recursive := true)
SELECT unnest([[1, 2], [3]], max_depth := 2)
SELECT name, x FROM emp, unnest([1, 2]) AS u(x) ORDER BY ALL
SELECT * FROM unnest(['a', 'b']) WITH ORDINALITY AS t(v, i)
SELECT generate_subscripts([4, 5, 6], 1)
PIVOT sales ON quarter USING sum(amount) ORDER BY ALL
PIVOT sales ON quarter USING sum(amount) GROUP BY region ORDER BY region
PIVOT sales ON quarter IN ('Q1', 'Q2') USING sum(amount) AS total, max(amount) AS top GROUP BY region ORDER BY region
FROM sales PIVOT (sum(amount) FOR quarter IN ('Q1', 'Q2') GROUP BY region) ORDER BY region
SELECT * FROM sales PIVOT (sum(amount) FOR quarter IN ('Q1', 'Q2')) AS p ORDER BY ALL
UNPIVOT wide ON q1, q2 INTO NAME quarter VALUE amount ORDER BY ALL
UNPIVOT wide ON COLUMNS(* EXCLUDE (region)) INTO NAME quarter VALUE amount ORDER BY ALL
FROM wide UNPIVOT (amount FOR quarter IN (q1, q2)) ORDER BY ALL
FROM wide UNPIVOT INCLUDE NULLS (amount FOR quarter IN (q1, q2)) ORDER BY ALL
SELECT * FROM (PIVOT sales ON quarter USING sum(amount)) ORDER BY ALL
WITH p AS (PIVOT sales ON quarter USING sum(amount)) SELECT * FROM p ORDER BY ALL
SELECT count(*) FROM emp TABLESAMPLE 100%
SELECT count(*) FROM emp USING SAMPLE 100 PERCENT (bernoulli)
SELECT count(*) FROM emp USING SAMPLE reservoir(2 ROWS) REPEATABLE (42)
SELECT count(*) FROM (FROM emp USING SAMPLE 2)
SELECT CASE WHEN salary > 100 THEN 'high' WHEN salary > 80 THEN 'mid' ELSE 'low' END FROM emp ORDER BY 1
SELECT CASE dept WHEN 1 THEN 'one' ELSE 'other' END FROM emp ORDER BY 1
SELECT if(dept = 1, 'a', 'b'), ifnull(dept, 0), nullif(dept, 1), coalesce(dept, 7), greatest(1, 2, 3), least(1, 2) FROM emp ORDER BY ALL
SELECT CAST('1' AS INT), '2'::INT, TRY_CAST('x' AS INT), '3'::DECIMAL(5, 2), 1::VARCHAR, '2020-01-01'::DATE
SELECT '12.345'::DECIMAL, '1'::HUGEINT, 1::UTINYINT, 1.5::REAL, 'a'::BLOB, '101'::BIT, 'f47ac10b-58cc-4372-a567-0e02b2c3d479'::UUID
SELECT '[1,2]'::INT[], [1, 2]::INT[2], {'a': 1}::STRUCT(a BIGINT), MAP {'k': 1}::MAP(VARCHAR, BIGINT), 'x'::VARCHAR(3)
SELECT DATE '2020-02-29', TIME '12:00', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP_NS '2020-01-01', TIMESTAMP_MS '2020-01-01', TIMESTAMP_S '2020-01-01'
SELECT INTERVAL 1 DAY, INTERVAL '1 hour', INTERVAL (1 + 1) MONTH, INTERVAL '1' YEAR, '3 days'::INTERVAL
SELECT hired + INTERVAL 1 MONTH, hired - DATE '2020-01-01', date_diff('day', DATE '2020-01-01', hired), datediff('month', DATE '2020-01-01', hired) FROM emp ORDER BY ALL
SELECT date_trunc('month', hired), date_part('year', hired), extract(dow FROM hired), extract('week' FROM hired), year(hired), dayname(hired), last_day(hired) FROM emp ORDER BY ALL
SELECT strftime(hired, '%Y/%m'), strptime('2020-01', '%Y-%m'), strftime(hired, '%-d %b %a'), date_add(hired, INTERVAL 1 DAY), date_sub('day', DATE '2020-01-01', hired) FROM emp ORDER BY ALL
SELECT make_date(2020, 1, 2), make_timestamp(2020, 1, 2, 3, 4, 5.5), make_time(1, 2, 3), make_timestamp(1000000), to_timestamp(0) = TIMESTAMPTZ '1970-01-01 00:00:00+00', epoch(TIMESTAMP '1970-01-02'), epoch_ms(1000), epoch_us(TIMESTAMP '1970-01-02')
SELECT time_bucket(INTERVAL 1 MONTH, hired), age(DATE '2021-01-01', DATE '2020-01-01'), to_days(3), to_months(2), datetrunc('year', hired), datepart('month', hired) FROM emp ORDER BY ALL
SELECT (TIMESTAMP '2020-01-01 00:00:00' AT TIME ZONE 'UTC')::VARCHAR
SELECT 7 / 2, 7 // 2, 7 % 3, -7 % 3, 2 ** 10, 2 ^ 3, 5 & 3, 5 | 2, xor(5, 1), ~5, 1 << 3, 8 >> 1, @ -5
SELECT 1e3, .5, 1_000_000, 0x1F, 10.0 / 3, 1::DOUBLE / 3, 123456789012345678901234567890
SELECT abs(-1), ceil(1.2), floor(1.8), round(1.567, 2), trunc(1.9), sign(-2), sqrt(16), cbrt(27), exp(0), ln(1), log(100), log2(8), log10(1000), log(2, 8), pow(2, 3), mod(7, 3), pi(), degrees(pi()), gcd(12, 18), factorial(5)
SELECT 'a' || 'b' || 1, concat('a', NULL, 'b'), concat_ws('-', 'a', NULL, 'b'), upper('a'), lower('B'), length('abc'), strlen('ü'), len([1, 2]), reverse('abc'), repeat('ab', 2)
SELECT substring('hello', 2, 3), substr('hello', 2), substring('hello' FROM 2 FOR 2), left('abc', 2), right('abc', 2), trim('  a '), ltrim('xxa', 'x'), rtrim('axx', 'x'), trim(BOTH 'x' FROM 'xax'), trim('xax', 'x')
SELECT position('l' IN 'hello'), strpos('hello', 'l'), instr('hello', 'l'), replace('abc', 'b', 'x'), split_part('a-b-c', '-', 2), string_split('a,b', ','), regexp_replace('abc', '[ab]', 'x', 'g'), regexp_extract('abc123', '([a-z]+)(\d+)', 2), regexp_extract_all('a1b2', '\d'), regexp_split_to_array('a1b', '\d')
SELECT regexp_extract('2020-01-02', '(\d+)-(\d+)-(\d+)', ['y', 'm', 'd']), translate('abc', 'ab', 'xy'), lpad('a', 3, '-'), rpad('a', 3, '-'), chr(65), ascii('A'), unicode('A'), ord('A'), starts_with('abc', 'a'), 'abc' ^@ 'a', ends_with('abc', 'c'), contains('abc', 'b'), prefix('abc', 'a'), suffix('abc', 'c')
SELECT format('{} and {:03d}', 'a', 7), printf('%s-%d', 'a', 7), md5('a'), sha256('a'), hash('a') IS NOT NULL, hex('a'), unhex('61'), encode('a'), decode('a'::BLOB), base64('a'::BLOB), from_base64('YQ=='), to_base64('a'::BLOB), bin(5)
SELECT levenshtein('a', 'b'), editdist3('a', 'b'), hamming('ab', 'ac'), jaccard('ab', 'ac'), jaro_similarity('a', 'a'), jaro_winkler_similarity('ab', 'ab'), damerau_levenshtein('ab', 'ba'), strip_accents('é'), nfc_normalize('e')
SELECT [1, 2, 3], [], ['a', NULL], list_value(1, 2), array_value(1, 2), [[1], [2, 3]]
SELECT list_extract([1, 2, 3], 1), list_element([1, 2], 2), list_slice([1, 2, 3], 1, 2), array_slice([1, 2, 3], 2, 3), list_slice([1, 2, 3, 4], 1, 4, 2), array_extract([1, 2], 1)
SELECT list_append([1], 2), list_prepend(0, [1]), list_concat([1], [2]), list_cat([1], [2]), array_concat([1], [2]), list_contains([1, 2], 2), list_has([1], 1), list_has_any([1], [1, 2]), list_has_all([1, 2], [1]), array_push_back([1], 2), array_push_front([1], 0)
SELECT list_sort([3, 1, 2]), list_reverse_sort([3, 1, 2]), list_sort([3, NULL, 1], 'DESC', 'NULLS FIRST'), list_reverse([1, 2]), list_distinct([1, 1]), list_unique([1, 1]), list_sum([1, 2]), list_avg([1, 2]), list_min([1, 2]), list_max([1, 2]), list_aggregate([1, 2], 'sum'), list_position([1, 2], 2), array_to_string([1, 2], '-')
SELECT list_transform([1, 2], lambda x: x + 1), list_filter([1, 2, 3], lambda x: x > 1), list_reduce([1, 2, 3], lambda a, b: a + b), list_transform(['a', 'b'], lambda x, i: x || i), apply([1], lambda x: x), array_apply([1], lambda x: x), filter([1, 2], lambda x: x = 1)
SELECT [x + 1 FOR x IN [1, 2, 3] IF x > 1], [x FOR x IN range(3)]
SELECT list_zip([1, 2], ['a', 'b']), flatten([[1], [2]]), list_resize([1], 2), list_grade_up([2, 1]), list_select([1, 2], [2]), list_where([1, 2], [true, false]), list_intersect([1, 2], [2]), array_length([1, 2]), array_has([1], 1), [1, 2] @> [1], [1] <@ [1, 2], [1, 2] && [2, 3], list_cosine_similarity([1.0, 2.0], [1.0, 2.0]), list_distance([1.0], [2.0]), list_inner_product([1.0], [2.0]), array_cosine_similarity([1.0, 2.0]::FLOAT[2], [1.0, 2.0]::FLOAT[2])
SELECT {'a': 1, 'b': 'x'}, {a: 1}, struct_pack(a := 1, b := 2), row(1, 2), ROW(1, 'a'), (1, 2), struct_extract({'a': 1}, 'a'), {'a': 1}.a, {'a': {'b': 2}}.a.b, struct_insert({'a': 1}, b := 2), ({'a': 1})['a']
SELECT s.a, s.b.c, s['a'], s.* FROM (SELECT {'a': 1, 'b': {'c': 2}} AS s)
SELECT MAP {'a': 1, 'b': 2}, MAP(['a'], [1]), map_keys(MAP {'a': 1}), map_values(MAP {'a': 1}), map_extract(MAP {'a': 1}, 'a'), (MAP {'a': 1})['a'], MAP {'a': 1}['a'], element_at(MAP {'a': 1}, 'a'), map_entries(MAP {'a': 1}), map_from_entries([('k', 1)]), map_concat(MAP {'a': 1}, MAP {'b': 2}), cardinality(MAP {'a': 1}), MAP {}, MAP {1: 'x'}
SELECT m['k'], m['none'] FROM (SELECT MAP {'k': 1} AS m)
SELECT j->'a', j->>'a', j->'$.a', j->>'$.b[0]', json_extract(j, '$.a'), json_extract_string(j, '$.a'), json_array_length(j->'b'), json_type(j), json_keys(j), json_valid('{'), json_value(j, '$.a'), json_exists(j, '$.a') FROM (SELECT '{"a": 1, "b": [1, 2]}'::JSON AS j)
SELECT json_object('a', 1), json_array(1, 2), to_json({'a': 1}), json_merge_patch('{"a":1}', '{"b":2}'), json_group_array(id), json_structure('{"a":1}'), from_json('{"a":1}', '{"a":"INTEGER"}'), json_transform('{"a":1}', '{"a":"INTEGER"}'), row_to_json({'a': 1}), json_quote(1), json('{"a": 1}') FROM dept
SELECT union_value(a := 1), union_tag(union_value(a := 1)), union_extract(union_value(a := 1), 'a')
SELECT typeof(1), typeof([1]), pg_typeof(1), alias(1), current_schema(), enum_range(NULL::mood), 'sad'::mood < 'ok'::mood
SELECT name.upper(), name.substring(1, 2).lower(), [1, 2].list_sum(), 'a,b'.string_split(',').len() FROM emp ORDER BY ALL
SELECT salary AS s, s + 1 AS t FROM emp WHERE s > 90 ORDER BY t
SELECT s: salary, n: upper(name) FROM emp ORDER BY ALL
SELECT * FROM e: emp ORDER BY ALL
SELECT #1, #2 FROM dept ORDER BY ALL
SELECT emp FROM emp ORDER BY name
SELECT "name", "emp"."salary" AS "The Pay" FROM "emp" ORDER BY "name"
SELECT name AS 'quoted' FROM emp ORDER BY 1
SELECT memory.main.emp.name, main.emp.salary FROM memory.main.emp ORDER BY ALL
SELECT $$it's$$, $tag$a$b$tag$, e'a\nb', 'it''s'
SELECT TRY(CAST('x' AS INT))
SELECT try(ln(0)), isnan('nan'::DOUBLE), isinf('inf'::DOUBLE), isfinite(1.0), even(3), nextafter(1.0, 2.0) > 1
SELECT row_number() OVER () AS r, * FROM dept ORDER BY r
SELECT count(*) FILTER (dept = 1), count() FROM emp
SELECT sum(salary) FILTER (WHERE dept = 1), avg(DISTINCT salary) FROM emp
SELECT name FROM emp WHERE (SELECT max(salary) FROM emp) = salary
SELECT name FROM emp WHERE dept = (SELECT id FROM dept WHERE title = 'dev')
SELECT dept, (SELECT title FROM dept WHERE id = emp.dept) FROM emp ORDER BY ALL
SELECT * FROM (SELECT dept, avg(salary) AS a FROM emp GROUP BY dept) WHERE a > 90 ORDER BY ALL
SELECT * FROM emp WHERE hired > '2020-06-01' AND name != 'x' AND salary <> 3 ORDER BY ALL
SELECT NOT true, NOT NOT false, true AND NULL, true OR NULL, 1 IS NOT NULL, NULL IS NULL, (1 = 1) IS TRUE, (1 = 2) IS NOT TRUE, (NULL) IS UNKNOWN
SELECT 1 IN (1, 2), 1 NOT IN (2), 1 IN [1, 2], 'a' IN ('a'), NULL IN (1)
SELECT - 1, + 2, -(-3), - - 4, -salary FROM emp ORDER BY ALL
SELECT 1 + 2 * 3 - 4 / 2, (1 + 2) * 3, 2 * (3 + 4), 10 - (3 - 2), 8 / (4 / 2), 2 ** 3 ** 2, -2 ** 2, 7 // (2 + 1)
SELECT NOT 1 = 2, NOT (1 = 1 AND 2 = 2), 1 < 2 AND 2 < 3 OR false, 'a' || 'b' = 'ab', 1 + 1 || 'x', 3 & 1 = 1
SELECT current_date IS NOT NULL, current_timestamp IS NOT NULL, now() IS NOT NULL, today() IS NOT NULL, localtimestamp IS NOT NULL, current_time IS NOT NULL
SELECT random() BETWEEN 0 AND 1, uuid() IS NOT NULL, gen_random_uuid() IS NOT NULL, setseed(0.5) IS NULL
SELECT bar(1, 0, 10, 4), map_contains(MAP {'a': 1}, 'a')
SELECT 'a' COLLATE NOCASE = 'A', 'a' < 'B' COLLATE NOCASE
SELECT DISTINCT ON (dept) name FROM emp ORDER BY dept, name
SELECT max(salary) - min(salary) AS spread FROM emp HAVING count(*) > 1
SELECT dept d, count(*) c FROM emp GROUP BY d ORDER BY c DESC, d
SELECT name n FROM emp e WHERE e.dept IN (SELECT d.id FROM dept d WHERE d.title LIKE 'd%') ORDER BY n
SELECT * FROM dept, emp WHERE emp.dept = dept.id ORDER BY ALL
SELECT * FROM emp e1 JOIN emp e2 USING (dept) ORDER BY ALL
SELECT * FROM emp WHERE name = 'ann'; -- a comment
/* a comment */ SELECT /* inside */ 1 -- after
SELECT x FROM (VALUES (1), (2), (3)) t(x) ORDER BY x LIMIT 2
SELECT * FROM (SELECT 1 AS a) AS x(b)
SELECT list(x) FROM (SELECT unnest([3, 1, 2]) AS x ORDER BY x)
SELECT DISTINCT a + b FROM (VALUES (1, 2), (2, 1)) t(a, b)
SELECT * FROM emp NATURAL JOIN (SELECT 1 AS dept) ORDER BY ALL
SELECT string_agg(DISTINCT title, '|' ORDER BY title) FROM dept
SELECT sum(amount) FOR_ FROM sales
SELECT date '2020-01-01' + 5, DATE '2020-01-01' - 1, TIME '10:00' + INTERVAL 1 HOUR
SELECT extract(epoch FROM TIMESTAMP '2020-01-01'), extract(year FROM DATE '2020-01-01'), date_part(['year', 'month'], DATE '2020-05-01'), isodow(DATE '2020-05-01'), weekofyear(DATE '2020-05-01'), monthname(DATE '2020-05-01'), era(DATE '2020-05-01'), julian(DATE '2020-05-01')
SELECT bit_count(7), get_bit('101'::BIT, 0), set_bit('101'::BIT, 1, 1), bit_length('a'), octet_length('a'::BLOB), bitstring('1', 3), '101'::BIT & '001'::BIT
SELECT approx_quantile(salary, 0.5) > 0, reservoir_quantile(salary, 0.5) > 0, mad(salary), sem(salary), fsum(salary), favg(salary), geomean(salary), bitstring_agg(dept) IS NOT NULL FROM emp WHERE dept IS NOT NULL
SELECT nth_value(name, 2 ORDER BY name) OVER (), cume_dist(ORDER BY name) OVER () FROM emp ORDER BY ALL
SELECT fill(x) OVER (ORDER BY i) FROM (VALUES (1, 1), (2, NULL), (3, 3)) t(i, x)
SELECT a.x, b.x FROM (SELECT 1 AS x) a LEFT JOIN (SELECT 2 AS x) b ON a.x = b.x
SELECT * FROM 'nation.csv' ORDER BY ALL
SELECT count(*) FROM read_csv('nation.csv', header = true, columns = {'id': 'INT', 'name': 'VARCHAR'})
SELECT count(*) FROM read_csv(['nation.csv', 'nation.csv'], header := true)
SELECT n.name FROM 'nation.csv' AS n WHERE n.id = 1
SELECT * FROM query_table('dept') ORDER BY ALL
SELECT * FROM query('SELECT 42 AS x')
SELECT count(*) FROM duckdb_functions() WHERE function_name = 'no such'
SELECT getvariable('nothing'), current_setting('threads') IS NOT NULL
SELECT mode() WITHIN GROUP (ORDER BY dept) FROM emp
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY salary DESC) FROM emp
SELECT 1 IN [1, NULL], 2 IN [1, NULL], 2 IN (1, NULL), 1 NOT IN [2]
SELECT substring('hello', 0, 3), substring('hello', -3, 2), substring('hello' FROM 0 FOR 3), trim('x'), trim(LEADING 'x' FROM 'xa'), overlay('abc' PLACING 'x' FROM 2 FOR 1)
SELECT max_by(name, salary) , argmax(name, salary), quantile(salary, 0.5), string_agg(name ORDER BY name) FROM emp
SELECT extract(dow FROM hired), extract(isodow FROM hired), extract(doy FROM hired), extract(quarter FROM hired), extract(century FROM hired), extract(isoyear FROM hired), extract('epoch' FROM hired), extract(millennium FROM hired), extract(yearweek FROM hired) FROM emp ORDER BY ALL
SELECT '{"a.b": 1, "a": {"b": 2}}'::JSON->'a.b', '{"a": [5, 6]}'::JSON->'a'->0, '{"a": [5, 6]}'::JSON->'a'->-1, '{"a": [5, 6]}'::JSON->>'/a/1'
SELECT json_array_length(j->'b'), upper(j->>'c'), coalesce(j->>'zz', 'none'), (j->'b'->>0) = '1', (j->>'c') || 'x' FROM (SELECT '{"b": [1, 2], "c": "q"}'::JSON AS j)
SELECT typeof(NULL::HUGEINT), typeof(NULL::UHUGEINT), typeof(NULL::TIMETZ), typeof(NULL::TIMESTAMPTZ), typeof(NULL::TIMESTAMP WITH TIME ZONE), typeof(NULL::TIMESTAMP_NS), typeof(NULL::DOUBLE PRECISION), typeof(NULL::NUMERIC(5)), typeof(NULL::INT1), typeof(NULL::INT2), typeof(NULL::INT4), typeof(NULL::INT8), typeof(NULL::BYTEA), typeof(NULL::BPCHAR), typeof(NULL::FLOAT4), typeof(NULL::FLOAT8), typeof(NULL::FLOAT), typeof(NULL::REAL), typeof(NULL::LONG), typeof(NULL::SHORT), typeof(NULL::SIGNED), typeof(NULL::LOGICAL), typeof(NULL::BOOL), typeof(NULL::DATETIME)
SELECT typeof(NULL::INT[3][]), typeof(NULL::STRUCT("a b" INT, c VARCHAR[])), typeof(NULL::MAP(INT, STRUCT(x DATE))), typeof(NULL::UNION(n INT, s VARCHAR)), typeof(NULL::ENUM('a', 'b')), typeof(NULL::BIT), typeof(NULL::JSON), typeof(NULL::UUID), typeof(NULL::mood), typeof(NULL::VARIANT), typeof(NULL::BIGNUM), typeof(NULL::TIME_NS), typeof(NULL::TIMESTAMP_S), typeof(NULL::DEC(4, 1)), typeof(NULL::STRING), typeof(NULL::TEXT), typeof(NULL::CHAR(3)), typeof(NULL::BLOB), typeof(NULL::OID)
SELECT name FROM emp ORDER BY salary DESC LIMIT 1 OFFSET 0
SELECT sum(salary) OVER (PARTITION BY dept ORDER BY hired DESC NULLS FIRST ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING EXCLUDE GROUP) FROM emp ORDER BY ALL
SELECT list_transform([1, 2], lambda x: list_transform([x], lambda y: x + y)), list_sort(list_transform([3, 1], lambda x: x % 2)), 'a' IN ('a', 'b') AND 1 = 1
SELECT count(*) FROM emp WHERE hired BETWEEN DATE '2020-01-01' AND DATE '2020-12-31' AND dept BETWEEN 1 AND 2
SELECT * FROM emp WHERE name IN (FROM (VALUES ('ann'), ('bob')) v(x) SELECT x) ORDER BY ALL
SELECT a FROM (SELECT 1 AS a, 2 AS "select") WHERE "select" = 2
SELECT "FROM", "a b" FROM (SELECT 1 AS "FROM", 2 AS "a b")
SELECT year, month, day, type, date, name, value, key, match, since, until, version, snapshot FROM (SELECT 1 AS year, 2 AS month, 3 AS day, 4 AS type, 5 AS date, 6 AS name, 7 AS value, 8 AS key, 9 AS match, 10 AS since, 11 AS until, 12 AS version, 13 AS snapshot)
SELECT since.x, until.x FROM (SELECT 1 AS x) since, (SELECT 2 AS x) until
SELECT changes.a FROM (SELECT 1 AS a) AS changes
SELECT version.a FROM (SELECT 1 AS a) version WHERE version.a = 1
SELECT 1 AS of, 2 AS until
SELECT corr(DISTINCT salary, dept), quantile_cont(DISTINCT salary, 0.5), string_agg(DISTINCT name, '-' ORDER BY name) FROM emp
SELECT typeof(NULL::INT ARRAY), typeof(NULL::INT ARRAY[2]), typeof(CAST(NULL AS VARCHAR ARRAY)), ARRAY[1, 2], array_length(ARRAY[1])
SELECT x FROM (SELECT [1, 2] AS x) WHERE 1 IN x
SELECT * FROM emp WHERE dept = 1 OR dept = 2 AND salary < 100 ORDER BY ALL
SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue FROM (SELECT 1 AS l_orderkey, 10.5 AS l_extendedprice, 0.1 AS l_discount) GROUP BY l_orderkey ORDER BY revenue DESC LIMIT 10
SELECT first(x IGNORE NULLS) OVER (ORDER BY i), last(x ORDER BY i IGNORE NULLS) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM (VALUES (1, NULL), (2, 'a')) t(i, x) ORDER BY i
SELECT coalesce(*COLUMNS(*)), concat(*COLUMNS(* EXCLUDE (a)), 'x') FROM (SELECT NULL AS a, 2 AS b)
SELECT range FROM range(5) WHERE range < 3 AND range > 0
SELECT .5, .25 + 1
SELECT TIMESTAMP '2008-01-01 00:00:01.5'::VARCHAR, DATE '2020-01-01'::TIMESTAMP, INTERVAL '2 HOUR' + '12:15:37'::TIME, INTERVAL '1' DAY::VARCHAR, INTERVAL '14 months ago', INTERVAL '1 year 2 days'
SELECT json_structure('{"duck":"goose"}'->'duck'), typeof((42,)), (1, 2), (1), 1 IN (1,)
SELECT m[k], m[d] FROM (SELECT MAP {'a': 1} AS m, 'a' AS k, 'b' AS d)
SELECT m[true], n[NULL], o[[2, 0]] FROM (SELECT MAP {true: 1} AS m, MAP {1: 2} AS n, MAP {[2, 0]: 3} AS o)
SELECT 'abc' ~ 'b', 'abc' ~ 'a.c', 'abc' !~ 'b', 'ABC' ~* 'abc'
SELECT min(x) FROM (VALUES (1)) t(x) WHERE x IS NOT DISTINCT FROM 1
