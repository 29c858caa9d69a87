-- PIVOT and UNPIVOT in both spellings.
CREATE TABLE city (country VARCHAR, name VARCHAR, year INTEGER, pop INTEGER);
INSERT INTO city VALUES ('NL','Amsterdam',2000,1005),('NL','Amsterdam',2010,1065),('NL','Amsterdam',2020,1158),('US','Seattle',2000,564),('US','Seattle',2010,608),('US','Seattle',2020,738),('US','New York',2000,8015),('US','New York',2010,8175),('US','New York',2020,8772);
CREATE TABLE months (dept VARCHAR, jan INTEGER, feb INTEGER, mar INTEGER);
INSERT INTO months VALUES ('a',1,2,3),('b',4,NULL,6);

PIVOT city ON year USING sum(pop);
PIVOT city ON year USING sum(pop) GROUP BY country;
PIVOT city ON year IN (2000, 2010) USING sum(pop) GROUP BY country;
PIVOT city ON year USING sum(pop) AS total, max(pop) AS top GROUP BY country;
PIVOT city ON country, name USING sum(pop);
PIVOT city ON (country || '_' || name) USING sum(pop);
PIVOT city ON year USING first(pop) GROUP BY name ORDER BY name;
SELECT * FROM city PIVOT (sum(pop) FOR year IN (2000, 2010, 2020) GROUP BY country);
SELECT * FROM city PIVOT (sum(pop) AS total, count(pop) AS n FOR year IN (2000, 2010) country IN ('NL', 'US'));
SELECT * FROM (PIVOT city ON year USING sum(pop) GROUP BY country) WHERE country = 'NL';
WITH p AS (PIVOT city ON year USING sum(pop) GROUP BY name) SELECT * FROM p ORDER BY name;
UNPIVOT months ON jan, feb, mar INTO NAME month VALUE amount;
UNPIVOT months ON COLUMNS(* EXCLUDE (dept)) INTO NAME month VALUE amount;
SELECT * FROM months UNPIVOT (amount FOR month IN (jan, feb, mar));
SELECT * FROM months UNPIVOT INCLUDE NULLS (amount FOR month IN (jan, feb, mar));
SELECT month, sum(amount) FROM (UNPIVOT months ON jan, feb, mar INTO NAME month VALUE amount) GROUP BY month;
UNPIVOT months ON (jan, feb), (feb, mar) INTO NAME pair VALUE x, y;
