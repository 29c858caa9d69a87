-- Lists, arrays, structs, maps, at rest and computed. Indexing by [] is Grizzly's own; functions count from 1.
CREATE TABLE n (id INTEGER, xs INTEGER[], ss VARCHAR[], p STRUCT(x INTEGER, y VARCHAR), m MAP(VARCHAR, INTEGER), f INTEGER[3], ll INTEGER[][], ps STRUCT(a INTEGER, b DOUBLE)[]);
INSERT INTO n VALUES
  (1, [3,1,2], ['b','a'], {'x': 1, 'y': 'one'}, MAP {'k': 1, 'l': 2}, [1,2,3], [[1],[2,3]], [{'a': 1, 'b': 1.5}]),
  (2, [], [], {'x': 2, 'y': NULL}, MAP {}, [4,5,6], [[]], []),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, [NULL, 7, 7], ['z', NULL], {'x': NULL, 'y': 'four'}, MAP {'k': 9}, [7,NULL,9], [NULL,[4]], [{'a': NULL, 'b': 2.5}, NULL]);

SELECT * FROM n;
SELECT * FROM n ORDER BY id;
SELECT id, xs FROM n WHERE list_contains(xs, 7);
SELECT id, len(xs), len(ss), cardinality(m) FROM n;
SELECT id, list_extract(xs, 1), list_extract(xs, -1), list_extract(ss, 5) FROM n;
SELECT id, list_slice(xs, 1, 2), list_slice(xs, 2, NULL) FROM n;
SELECT id, list_sort(xs), list_reverse_sort(xs), list_reverse(ss) FROM n;
SELECT id, list_distinct(xs), list_unique(xs) FROM n WHERE id < 3;
SELECT id, list_sum(xs), list_avg(xs), list_min(xs), list_max(ss) FROM n;
SELECT id, list_aggregate(xs, 'count'), list_aggregate(ss, 'string_agg', '-') FROM n;
SELECT id, list_transform(xs, lambda e: e * 2) FROM n;
SELECT id, list_filter(xs, lambda e: e > 1) FROM n;
SELECT id, list_reduce(xs, lambda a, b: a + b) FROM n WHERE len(xs) > 0;
SELECT id, list_concat(xs, [99]), list_append(xs, id), list_prepend(0, xs) FROM n;
SELECT id, list_position(xs, 7), list_has_any(xs, [1, 7]), list_has_all(xs, [1, 2]) FROM n;
SELECT id, array_to_string(ss, '+') FROM n;
SELECT id, flatten(ll) FROM n;
SELECT id, list_zip(xs, ss) FROM n WHERE id = 1;
SELECT id, unnest(xs) FROM n;
SELECT id, unnest(p) FROM n;
SELECT id, unnest(ps, recursive := true) FROM n;
SELECT id, p.x, p.y FROM n;
SELECT id, p.* FROM n;
SELECT id, struct_extract(p, 'x') FROM n;
SELECT id, struct_insert(p, z := id) FROM n;
SELECT id, struct_pack(a := id, b := ss) FROM n;
SELECT id, row(id, 'r') FROM n;
SELECT id, map_keys(m), map_values(m), map_entries(m) FROM n;
SELECT id, map_extract(m, 'k'), map_contains(m, 'l') FROM n;
SELECT id, element_at(m, 'k') FROM n;
SELECT id, map_concat(m, MAP {'new': id}) FROM n WHERE id <> 3;
SELECT MAP([1, 2], ['a', 'b']), map_from_entries([('q', 1)]);
SELECT id, f, array_extract(f, 2) FROM n;
SELECT id, array_inner_product([1,2,3]::FLOAT[3], [4,5,6]::FLOAT[3]) FROM n WHERE id = 1;
SELECT id, f = [1,2,3]::INTEGER[3] FROM n;
SELECT xs, count(*) FROM n GROUP BY xs;
SELECT p, count(*) FROM n GROUP BY p;
SELECT id FROM n ORDER BY xs NULLS LAST, id;
SELECT id FROM n ORDER BY p NULLS FIRST, id;
SELECT list(p ORDER BY id) FROM n;
SELECT list(xs ORDER BY id) FROM n;
SELECT id FROM n WHERE p = {'x': 1, 'y': 'one'};
SELECT id FROM n WHERE xs = [3,1,2];
SELECT id, [e * 10 FOR e IN xs IF e > 1] FROM n;
SELECT [1, 2] || [3], [1] + [2] IS NULL OR true;
SELECT list_value(1, 2, NULL), [NULL], []::INTEGER[];
SELECT range(3), generate_series(3, 1, -1);
SELECT {'a': [1, {'b': 2}.b], 'c': {'d': NULL}};
SELECT id, ps, list_transform(ps, lambda s: s.a) FROM n;
SELECT id, (p).y || '!' FROM n;
SELECT struct_extract(e, 'key') FROM (SELECT unnest(map_entries(m)) AS e FROM n);
SELECT id, to_json(p), to_json(xs) FROM n;
SELECT id, xs::VARCHAR, p::VARCHAR, m::VARCHAR FROM n;
SELECT '[1, 2, 3]'::INTEGER[], '{a: 1}'::STRUCT(a INTEGER);
SELECT list_cosine_similarity([1.0, 2.0], [2.0, 4.0]);
SELECT id, xs IS NULL, p IS NULL, m IS NULL, len(ll) FROM n;
SELECT list_grade_up([30, 10, 20]), list_resize([1], 3, 0), list_where([1,2,3], [true,false,true]);
SELECT split('a,b,c', ','), string_split_regex('a1b22c', '[0-9]+');
SELECT a.id, b.id FROM n a JOIN n b ON a.xs = b.xs;
SELECT id, e.x FROM (SELECT id, p AS e FROM n) WHERE e.x > 0;
