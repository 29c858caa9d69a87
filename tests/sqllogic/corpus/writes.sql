-- INSERT, UPDATE, DELETE, MERGE, CTAS, ALTER, views: each followed by what is then there.
CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR DEFAULT 'none', qty INTEGER, seen DATE);
INSERT INTO t VALUES (1,'a',10,DATE '2024-01-01'),(2,'b',20,NULL),(3,NULL,30,DATE '2024-03-01');
SELECT * FROM t ORDER BY id;
INSERT INTO t (id, qty) VALUES (4, 40);
SELECT * FROM t WHERE id = 4;
INSERT INTO t BY NAME SELECT 5 AS id, 50 AS qty, 'e' AS name;
SELECT * FROM t WHERE id = 5;
INSERT INTO t SELECT id + 10, name, qty * 2, seen FROM t WHERE id < 3;
SELECT * FROM t ORDER BY id;
-- error
INSERT INTO t VALUES (1, 'dup', 0, NULL);
-- error
INSERT INTO t VALUES (99, 'x', 'not a number', NULL);
-- error
INSERT INTO t (id, nope) VALUES (98, 1);
-- error
INSERT INTO t VALUES (NULL, 'null key', 0, NULL);
SELECT count(*), sum(qty) FROM t;
UPDATE t SET qty = qty + 1 WHERE id <= 2;
SELECT * FROM t ORDER BY id;
UPDATE t SET name = upper(name), seen = DATE '2030-01-01' WHERE name IS NOT NULL;
SELECT * FROM t ORDER BY id;
UPDATE t SET qty = (SELECT max(qty) FROM t) WHERE id = 3;
SELECT id, qty FROM t ORDER BY id;
UPDATE t SET qty = s.q FROM (VALUES (1, 100), (2, 200)) s(k, q) WHERE t.id = s.k;
SELECT id, qty FROM t ORDER BY id;
UPDATE t SET qty = NULL;
SELECT count(qty), count(*) FROM t;
UPDATE t SET qty = id;
DELETE FROM t WHERE id > 10;
SELECT * FROM t ORDER BY id;
DELETE FROM t USING (VALUES (4)) x(k) WHERE t.id = x.k;
SELECT id FROM t ORDER BY id;
DELETE FROM t WHERE qty > (SELECT avg(qty) FROM t) AND false;
SELECT count(*) FROM t;
INSERT INTO t VALUES (6, 'f', 60, NULL) RETURNING id, qty * 2 AS twice;
UPDATE t SET qty = 61 WHERE id = 6 RETURNING *;
DELETE FROM t WHERE id = 6 RETURNING name;
SELECT id FROM t ORDER BY id;
CREATE TABLE src (id INTEGER, name VARCHAR, qty INTEGER);
INSERT INTO src VALUES (1,'merged',111),(7,'new',77),(8,'skip',-1);
MERGE INTO t USING src ON t.id = src.id WHEN MATCHED THEN UPDATE SET name = src.name, qty = src.qty WHEN NOT MATCHED AND src.qty > 0 THEN INSERT (id, name, qty) VALUES (src.id, src.name, src.qty);
SELECT * FROM t ORDER BY id;
MERGE INTO t USING (SELECT 7 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE;
SELECT id FROM t ORDER BY id;
CREATE TABLE copy AS SELECT id, name, qty * 1.5 AS more FROM t;
SELECT * FROM copy ORDER BY id;
CREATE TABLE empty AS SELECT * FROM t WHERE false;
SELECT count(*) FROM empty;
CREATE OR REPLACE TABLE copy AS SELECT 1 AS one;
SELECT * FROM copy;
CREATE TABLE IF NOT EXISTS copy (zzz INTEGER);
SELECT * FROM copy;
-- error
CREATE TABLE copy (one INTEGER);
ALTER TABLE t ADD COLUMN extra INTEGER;
SELECT * FROM t ORDER BY id;
ALTER TABLE t ADD COLUMN flag VARCHAR DEFAULT 'def';
SELECT id, extra, flag FROM t ORDER BY id;
UPDATE t SET extra = id * 100 WHERE id = 1;
SELECT id, extra FROM t ORDER BY id;
SELECT count(*) FROM t WHERE extra IS NULL;
ALTER TABLE t RENAME COLUMN extra TO bonus;
SELECT id, bonus FROM t ORDER BY id;
ALTER TABLE t DROP COLUMN seen;
SELECT * FROM t ORDER BY id;
-- error
SELECT seen FROM t;
ALTER TABLE copy RENAME TO renamed;
SELECT * FROM renamed;
-- error
SELECT * FROM copy;
CREATE VIEW big AS SELECT id, qty FROM t WHERE qty > 2;
SELECT * FROM big ORDER BY id;
INSERT INTO t (id, qty) VALUES (20, 2000);
SELECT * FROM big ORDER BY id;
CREATE OR REPLACE VIEW big AS SELECT count(*) AS n FROM t;
SELECT * FROM big;
CREATE VIEW cols(p, q) AS SELECT id, name FROM t;
SELECT p FROM cols ORDER BY p;
SELECT a.id FROM t a JOIN cols ON cols.p = a.id ORDER BY a.id;
DROP VIEW big;
-- error
SELECT * FROM big;
CREATE SCHEMA other;
CREATE TABLE other.t (x INTEGER);
INSERT INTO other.t VALUES (42);
SELECT * FROM other.t;
SELECT other.t.x FROM other.t;
SELECT count(*) FROM main.t;
DROP TABLE other.t;
DROP SCHEMA other;
BEGIN;
INSERT INTO t (id, qty) VALUES (30, 1);
UPDATE t SET qty = 5 WHERE id = 30;
SELECT qty FROM t WHERE id = 30;
ROLLBACK;
SELECT count(*) FROM t WHERE id = 30;
BEGIN TRANSACTION;
DELETE FROM t WHERE id = 20;
INSERT INTO t (id, qty) VALUES (20, -20);
SELECT id, qty FROM t WHERE id = 20;
COMMIT;
SELECT id, qty FROM t ORDER BY id;
DELETE FROM t;
SELECT count(*) FROM t;
INSERT INTO t (id) VALUES (1);
TRUNCATE t;
SELECT count(*) FROM t;
DROP TABLE t;
-- error
SELECT * FROM t;
DROP TABLE IF EXISTS t;
CREATE TABLE gen (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
INSERT INTO gen VALUES (1, 1), (1, 2), (2, 1);
-- error
INSERT INTO gen VALUES (1, 2);
SELECT * FROM gen ORDER BY a, b;
INSERT OR REPLACE INTO gen VALUES (1, 2);
INSERT OR IGNORE INTO gen VALUES (1, 2), (3, 3);
SELECT * FROM gen ORDER BY a, b;
CREATE TABLE nn (a INTEGER NOT NULL, b VARCHAR);
-- error
INSERT INTO nn VALUES (NULL, 'x');
INSERT INTO nn VALUES (1, NULL);
-- error
UPDATE nn SET a = NULL;
SELECT * FROM nn;
CREATE TABLE mixed (a INTEGER, d DOUBLE, h HUGEINT, e ENUM('x', 'y'), s VARCHAR, t DATE);
INSERT INTO mixed VALUES (1, 1.5, 7, 'x', 'text', DATE '2024-01-01'), ('2', 'NaN', '170141183460469231731687303715884105727', 'y', 42, '2024-02-02'), (NULL, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM mixed ORDER BY a NULLS LAST;
INSERT INTO mixed (t, a) VALUES ('2024-03-03', 3), (DATE '2024-04-04', '4');
SELECT a, t FROM mixed ORDER BY a NULLS LAST;
UPDATE mixed SET d = 'Infinity', t = '2025-01-01' WHERE a = 3;
SELECT a, d, t FROM mixed ORDER BY a NULLS LAST;
-- error
INSERT INTO mixed (a) VALUES (1), ('two');
-- error
INSERT INTO mixed (e) VALUES ('z');
