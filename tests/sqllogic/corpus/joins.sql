-- Joins of every kind, over keys that are missing, doubled and NULL.
CREATE TABLE dept (id INTEGER PRIMARY KEY, name VARCHAR, city VARCHAR);
CREATE TABLE emp (id INTEGER PRIMARY KEY, name VARCHAR, dept_id INTEGER, boss INTEGER, salary DECIMAL(10,2), hired DATE);
INSERT INTO dept VALUES (1,'engineering','Berlin'),(2,'sales','Paris'),(3,'legal',NULL),(4,'empty','Rome');
INSERT INTO emp VALUES
  (1,'ada',1,NULL,9000.00,DATE '2015-01-05'),
  (2,'bob',1,1,6500.50,DATE '2017-03-11'),
  (3,'cyd',2,1,5200.25,DATE '2018-07-30'),
  (4,'dan',2,3,4100.00,DATE '2020-02-29'),
  (5,'eve',NULL,1,7000.00,DATE '2019-12-31'),
  (6,'fay',9,2,3900.75,NULL),
  (7,'gus',1,2,6500.50,DATE '2021-06-15');
CREATE TABLE trades (sym VARCHAR, seen TIMESTAMP, qty INTEGER);
CREATE TABLE quotes (sym VARCHAR, seen TIMESTAMP, bid DOUBLE);
INSERT INTO trades VALUES ('A',TIMESTAMP '2024-01-01 10:00:05',10),('A',TIMESTAMP '2024-01-01 10:00:15',20),('B',TIMESTAMP '2024-01-01 09:59:00',5),('B',TIMESTAMP '2024-01-01 10:01:00',7),('C',TIMESTAMP '2024-01-01 10:01:00',1);
INSERT INTO quotes VALUES ('A',TIMESTAMP '2024-01-01 10:00:00',1.5),('A',TIMESTAMP '2024-01-01 10:00:10',1.75),('B',TIMESTAMP '2024-01-01 10:00:00',2.5),('B',TIMESTAMP '2024-01-01 10:00:30',2.25);

SELECT e.name, d.name FROM emp e JOIN dept d ON e.dept_id = d.id;
SELECT e.name, d.name FROM emp e INNER JOIN dept d ON e.dept_id = d.id WHERE d.city = 'Berlin';
SELECT e.name, d.name FROM emp e LEFT JOIN dept d ON e.dept_id = d.id;
SELECT e.name, d.name FROM emp e LEFT OUTER JOIN dept d ON e.dept_id = d.id WHERE d.id IS NULL;
SELECT e.name, d.name FROM emp e RIGHT JOIN dept d ON e.dept_id = d.id;
SELECT e.name, d.name FROM emp e FULL JOIN dept d ON e.dept_id = d.id;
SELECT e.name, d.name FROM emp e FULL OUTER JOIN dept d ON e.dept_id = d.id AND d.city IS NOT NULL;
SELECT e.name, d.name FROM emp e CROSS JOIN dept d;
SELECT e.name, d.name FROM emp e, dept d WHERE e.dept_id = d.id;
SELECT count(*) FROM emp, dept;
SELECT name FROM emp SEMI JOIN dept ON emp.dept_id = dept.id;
SELECT name FROM emp ANTI JOIN dept ON emp.dept_id = dept.id;
SELECT e.name, b.name AS boss FROM emp e LEFT JOIN emp b ON e.boss = b.id;
SELECT e.name, b.name AS boss, bb.name AS grandboss FROM emp e LEFT JOIN emp b ON e.boss = b.id LEFT JOIN emp bb ON b.boss = bb.id;
SELECT a.name, b.name FROM emp a JOIN emp b ON a.salary < b.salary;
SELECT a.name, b.name FROM emp a JOIN emp b ON a.salary = b.salary AND a.id <> b.id;
SELECT a.name, b.name FROM emp a JOIN emp b ON a.hired BETWEEN b.hired - INTERVAL 2 YEAR AND b.hired;
SELECT * FROM (SELECT id, name FROM emp) JOIN (SELECT id, city FROM dept) USING (id);
SELECT id FROM emp JOIN dept USING (id);
SELECT emp.id, dept.id FROM emp LEFT JOIN dept USING (id);
SELECT * FROM (SELECT id AS k, city FROM dept) NATURAL JOIN (SELECT dept_id AS k, name FROM emp);
SELECT d.name, x.name FROM dept d, LATERAL (SELECT name FROM emp WHERE dept_id = d.id) x;
SELECT d.name, x.top FROM dept d LEFT JOIN LATERAL (SELECT max(salary) AS top FROM emp WHERE dept_id = d.id) x ON true;
SELECT d.name, x.n, x.total FROM dept d CROSS JOIN LATERAL (SELECT count(*) AS n, sum(salary) AS total FROM emp e WHERE e.dept_id = d.id) x;
SELECT t.sym, t.seen, t.qty, q.bid FROM trades t ASOF JOIN quotes q ON t.sym = q.sym AND t.seen >= q.seen;
SELECT t.sym, t.seen, t.qty, q.bid FROM trades t ASOF LEFT JOIN quotes q ON t.sym = q.sym AND t.seen >= q.seen;
SELECT t.sym, t.qty, q.bid FROM trades t ASOF JOIN quotes q USING (sym, seen);
SELECT a.id, b.id FROM emp a POSITIONAL JOIN (SELECT id FROM dept ORDER BY id) b ORDER BY a.id, b.id;
SELECT d.city, count(e.id) FROM dept d LEFT JOIN emp e ON e.dept_id = d.id GROUP BY d.city;
SELECT d.name, e.name FROM dept d LEFT JOIN emp e ON e.dept_id = d.id AND e.salary > 6000 ORDER BY d.name, e.name NULLS LAST;
SELECT e.name FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept_id AND d.city LIKE 'B%');
SELECT e.name FROM emp e WHERE NOT EXISTS (SELECT 1 FROM emp x WHERE x.boss = e.id);
SELECT e.* FROM emp e JOIN dept d ON e.dept_id = d.id AND e.salary * 2 > 10000;
SELECT e.* EXCLUDE (salary, hired) FROM emp e;
SELECT e.* REPLACE (upper(e.name) AS name) FROM emp e;
SELECT e.* RENAME (name AS who) FROM emp e;
SELECT COLUMNS('.*id') FROM emp;
SELECT COLUMNS(lambda c: c LIKE '%a%') FROM emp;
SELECT min(COLUMNS(* EXCLUDE (name))) FROM emp;
SELECT e.name, d.name FROM emp e JOIN dept d ON e.dept_id = d.id AND e.dept_id IS NOT DISTINCT FROM d.id;
SELECT e.id, d.id FROM emp e FULL JOIN dept d ON e.id = d.id AND e.id > 2 ORDER BY e.id NULLS FIRST, d.id NULLS FIRST;
SELECT a.sym, count(*) FROM trades a JOIN quotes b USING (sym) GROUP BY ALL;
SELECT DISTINCT d.city FROM emp e JOIN dept d ON d.id = e.dept_id;
SELECT x.name FROM emp x JOIN (dept d JOIN emp y ON y.dept_id = d.id) ON x.id = y.boss;
SELECT * FROM dept d JOIN (VALUES (1, 'one'), (2, 'two')) v(k, word) ON v.k = d.id;
SELECT e.name, r.i FROM emp e, range(1, 3) r(i) WHERE e.id <= 2;
SELECT e.name, u.x FROM emp e, unnest([e.id, e.id * 10]) u(x) WHERE e.id < 4;
FROM emp JOIN dept ON emp.dept_id = dept.id SELECT emp.name, city;
FROM emp SELECT name WHERE salary > 6000;
FROM dept;
