-- Names: keywords, case, Unicode, quotes, aliases, wide tables, empty tables.
CREATE TABLE Mixed (Id INTEGER, "Two Words" VARCHAR, "select" INTEGER, "Ünïcode" INTEGER);
INSERT INTO mixed VALUES (1, 'a', 10, 100), (2, 'b', 20, 200);
SELECT * FROM MIXED ORDER BY id;
SELECT id, ID, iD FROM mixed ORDER BY Id;
SELECT m."Two Words", m."select" FROM mixed m ORDER BY m."select" DESC;
SELECT mixed."Ünïcode" FROM mixed ORDER BY mixed."Ünïcode";
SELECT x.id AS "the id" FROM mixed AS x ORDER BY x.id;
SELECT id AS a, a + 1 AS b, b * 2 AS c FROM mixed ORDER BY a;
SELECT t.* FROM (SELECT 1 AS x, 2 AS x) t;
SELECT 1 AS a, 2 AS A;
SELECT m.id, n.id FROM mixed m, mixed n ORDER BY m.id, n.id;
SELECT mixed.id FROM main.mixed ORDER BY mixed.id;
SELECT main.mixed.id FROM main.mixed ORDER BY main.mixed.id;
SELECT count(*) AS count, sum(id) AS sum FROM mixed;
SELECT id AS match, id AS since, id AS version, id AS snapshot, id AS changes FROM mixed ORDER BY match;
CREATE TABLE words (key INTEGER, value VARCHAR, date DATE, timestamp TIMESTAMP, type VARCHAR, name VARCHAR, row INTEGER, rows INTEGER, version INTEGER, since INTEGER, until INTEGER, snapshot INTEGER, changes INTEGER, match INTEGER);
INSERT INTO words VALUES (1, 'v', DATE '2024-01-01', TIMESTAMP '2024-01-01', 't', 'n', 1, 2, 3, 4, 5, 6, 7, 8);
SELECT key, value, date, timestamp, type, name, row, rows, version, since, until, snapshot, changes, match FROM words;
SELECT w.since, w.until, w.version FROM words w WHERE w.since < w.until AND version = 3;
UPDATE words SET version = version + 1, match = 9;
SELECT version, match FROM words;
CREATE TABLE empty (a INTEGER, b VARCHAR, c DOUBLE[]);
SELECT * FROM empty;
SELECT count(*), sum(a), max(b), list(c) FROM empty;
SELECT * FROM empty JOIN words ON true;
SELECT * FROM words w LEFT JOIN empty e ON e.a = w.key;
SELECT a FROM empty GROUP BY a;
CREATE TABLE nulls (a INTEGER, b VARCHAR, c STRUCT(x INTEGER), d DATE[]);
INSERT INTO nulls VALUES (NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL);
SELECT * FROM nulls;
SELECT count(*), count(a), count(b), count(c), count(d) FROM nulls;
SELECT * FROM nulls WHERE a IS NULL AND b IS NULL;
SELECT * FROM nulls WHERE a = 1 OR b = 'x';
SELECT DISTINCT * FROM nulls;
CREATE TABLE one AS SELECT 42 AS answer;
SELECT answer FROM one;
SELECT (SELECT answer FROM one) + answer FROM one;
SELECT one.answer, two.answer FROM one, one AS two;
SELECT * FROM one AS renamed(question);
SELECT renamed.question FROM one AS renamed(question);
FROM one SELECT answer, answer + 1 AS next;
FROM one AS o SELECT o.answer;
CREATE VIEW v AS SELECT answer + 1 AS next FROM one;
CREATE VIEW w AS SELECT next * 2 AS twice FROM v;
SELECT twice FROM w;
SELECT v.next, w.twice FROM v, w;
WITH one AS (SELECT 'shadow' AS answer) SELECT answer FROM one;
WITH v AS (SELECT answer FROM one) SELECT answer FROM v;
SELECT * FROM (WITH one AS (SELECT 1 AS answer) SELECT answer FROM one), one AS outer_one;
SELECT answer FROM one WHERE EXISTS (SELECT 1 FROM mixed WHERE mixed.id = one.answer - 41);
-- error
SELECT id FROM mixed m, mixed n;
-- error
SELECT mixed.id FROM mixed m;
-- error
SELECT nope.* FROM mixed;
-- error
SELECT * FROM no_such_schema.mixed;
-- error
CREATE TABLE dup (a INTEGER, A VARCHAR);
-- error
INSERT INTO one VALUES (1, 2);
-- error
INSERT INTO one (answer, answer) VALUES (1, 2);
-- error
CREATE VIEW bad AS SELECT missing FROM one;
-- error
CREATE TABLE nameless ("" INTEGER);
CREATE TABLE plain (a INTEGER, b INTEGER);
-- refused: the scan's own columns
CREATE TABLE hidden AS SELECT 1 AS _rid;
-- refused: the scan's own columns
ALTER TABLE plain RENAME COLUMN b TO _pos;
-- refused: the scan's own columns
ALTER TABLE plain ADD COLUMN _cv INTEGER;
SELECT a FROM plain;
