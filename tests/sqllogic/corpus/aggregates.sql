-- Grouping, aggregate functions, grouping sets.
CREATE TABLE sales (id INTEGER, region VARCHAR, product VARCHAR, qty INTEGER, price DOUBLE, discount DECIMAL(4,2), sold DATE);
INSERT INTO sales VALUES
  (1,'north','apple',10,1.25,0.10,DATE '2024-01-03'),
  (2,'north','pear',3,2.5,NULL,DATE '2024-01-17'),
  (3,'south','apple',7,1.0,0.05,DATE '2024-02-01'),
  (4,'south','fig',NULL,4.75,0.00,DATE '2024-02-11'),
  (5,'east','apple',12,1.5,0.20,DATE '2024-02-29'),
  (6,'east','pear',1,2.25,0.15,DATE '2024-03-05'),
  (7,NULL,'fig',5,5.0,NULL,DATE '2024-03-09'),
  (8,'north','apple',10,1.25,0.10,DATE '2024-03-31'),
  (9,'west',NULL,0,0.0,0.50,NULL);

SELECT count(*), count(qty), count(DISTINCT region), count(DISTINCT (region, product)) FROM sales;
SELECT sum(qty), avg(qty), min(qty), max(qty) FROM sales;
SELECT sum(price * qty), avg(price), sum(discount), avg(discount) FROM sales;
SELECT region, sum(qty) FROM sales GROUP BY region;
SELECT region, product, sum(qty) AS q FROM sales GROUP BY region, product ORDER BY region NULLS LAST, product NULLS LAST;
SELECT region, count(*) FROM sales GROUP BY 1 HAVING count(*) > 1;
SELECT region, count(*) AS n FROM sales GROUP BY ALL ORDER BY n DESC, region NULLS LAST;
SELECT region, sum(qty) FILTER (WHERE product = 'apple') AS apples, sum(qty) FILTER (WHERE product <> 'apple') AS others FROM sales GROUP BY region;
SELECT region, product, sum(qty) FROM sales GROUP BY ROLLUP (region, product);
SELECT region, product, sum(qty), grouping(region), grouping(product) FROM sales GROUP BY CUBE (region, product);
SELECT region, product, count(*), grouping_id(region, product) FROM sales GROUP BY GROUPING SETS ((region, product), (region), (product), ());
SELECT year(sold) AS y, month(sold) AS m, sum(qty) FROM sales GROUP BY y, m;
SELECT date_trunc('month', sold) AS month, count(*) FROM sales GROUP BY month ORDER BY month NULLS FIRST;
SELECT string_agg(product, ',' ORDER BY id) FROM sales;
SELECT region, list(product ORDER BY id) FROM sales GROUP BY region;
SELECT array_agg(DISTINCT region ORDER BY region) FROM sales WHERE region IS NOT NULL;
SELECT first(product ORDER BY id), last(product ORDER BY id) FROM sales WHERE product IS NOT NULL;
SELECT arg_min(product, price), arg_max(product, price) FROM sales;
SELECT max_by(id, qty), min_by(id, qty) FROM sales WHERE region = 'north' AND id < 8;
SELECT median(qty), quantile_cont(qty, 0.25), quantile_disc(qty, 0.75) FROM sales;
SELECT quantile_cont(price, [0.1, 0.5, 0.9]) FROM sales;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY price) FROM sales;
SELECT mode(product) FROM sales WHERE region = 'north';
SELECT stddev_samp(qty), stddev_pop(qty), var_samp(qty), var_pop(qty) FROM sales;
SELECT corr(qty, price), covar_pop(qty, price), covar_samp(qty, price), regr_slope(price, qty), regr_intercept(price, qty), regr_r2(price, qty) FROM sales;
SELECT skewness(qty), kurtosis(qty) FROM sales;
SELECT bool_and(qty > 0), bool_or(qty > 11), count_if(qty > 5) FROM sales;
SELECT bit_and(id), bit_or(id), bit_xor(id) FROM sales;
SELECT product(id) FROM sales WHERE id < 6;
SELECT histogram(region) FROM sales;
SELECT any_value(42), count(*) FROM sales;
SELECT sum(DISTINCT qty), avg(DISTINCT qty) FROM sales;
SELECT max(product), min(product), max(sold), min(sold) FROM sales;
SELECT count(*) FROM sales WHERE false;
SELECT sum(qty), max(product), list(id) FROM sales WHERE id > 100;
SELECT region, sum(qty) FROM sales WHERE id > 100 GROUP BY region;
SELECT region, max(qty) - min(qty) AS spread FROM sales GROUP BY region HAVING spread > 0;
SELECT DISTINCT region FROM sales;
SELECT DISTINCT ON (region) region, product, qty FROM sales ORDER BY region NULLS LAST, id;
SELECT region, qty % 2 = 0 AS even, count(*) FROM sales GROUP BY region, even;
SELECT qty // 5 AS bucket, count(*) FROM sales GROUP BY bucket HAVING bucket IS NOT NULL ORDER BY bucket;
SELECT approx_count_distinct(product) > 0 FROM sales;
SELECT entropy(region) FROM sales;
SELECT favg(price), fsum(price), geomean(price) FROM sales WHERE price > 0;
SELECT max(qty, 3), min(qty, 2) FROM sales;
SELECT sum(CASE WHEN region = 'north' THEN qty ELSE 0 END) AS north, sum(CASE WHEN region = 'south' THEN qty END) AS south FROM sales;
SELECT region FROM sales GROUP BY region ORDER BY sum(qty) DESC NULLS LAST, region LIMIT 2;
SELECT count(*) OVER () AS groups, region FROM sales GROUP BY region;
SELECT sum(sum(qty)) OVER (ORDER BY region NULLS FIRST) AS running, region FROM sales GROUP BY region;
SELECT (SELECT count(*) FROM sales s WHERE s.region = o.region) AS n, region FROM sales o GROUP BY region;
SELECT sem(price) FROM sales;
SELECT mad(qty) FROM sales;
SELECT bitstring_agg(id, 1, 9) FROM sales;
SELECT list_sort(list(DISTINCT product)) FROM sales;
SELECT map_from_entries(list((id, product) ORDER BY id)) FROM sales WHERE product IS NOT NULL;
-- error
SELECT region, qty FROM sales GROUP BY region;
-- error
SELECT sum(qty) FROM sales WHERE sum(qty) > 1;
