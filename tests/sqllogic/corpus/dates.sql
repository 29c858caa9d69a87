-- Dates, times, timestamps, intervals.
CREATE TABLE d (id INTEGER, day DATE, tm TIME, ts TIMESTAMP, tz TIMESTAMPTZ, iv INTERVAL, tss TIMESTAMP_S, tms TIMESTAMP_MS, tns TIMESTAMP_NS);
INSERT INTO d VALUES
  (1, DATE '2024-02-29', TIME '12:34:56.789012', TIMESTAMP '2024-02-29 12:34:56.789012', TIMESTAMPTZ '2024-02-29 12:34:56+02', INTERVAL '1 year 2 months 3 days 04:05:06', TIMESTAMP_S '2024-02-29 12:34:56', TIMESTAMP_MS '2024-02-29 12:34:56.789', TIMESTAMP_NS '2024-02-29 12:34:56.789012345'),
  (2, DATE '1969-12-31', TIME '00:00:00', TIMESTAMP '1969-12-31 23:59:59.999999', TIMESTAMPTZ '1969-12-31 23:59:59+00', INTERVAL '-5 days', TIMESTAMP_S '1969-12-31 23:59:59', TIMESTAMP_MS '1969-12-31 23:59:59.999', TIMESTAMP_NS '1969-12-31 23:59:59.999999999'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, DATE '0001-01-01', TIME '23:59:59.999999', TIMESTAMP '0001-01-01 00:00:00', TIMESTAMPTZ '9999-12-31 23:59:59+00', INTERVAL '0 days', TIMESTAMP_S '9999-12-31 23:59:59', TIMESTAMP_MS '0001-01-01 00:00:00', TIMESTAMP_NS '1700-01-01 00:00:00'),
  (5, DATE '9999-12-31', TIME '06:00:00', TIMESTAMP '9999-12-31 23:59:59.999999', TIMESTAMPTZ '2024-07-01 00:00:00+00', INTERVAL '36 hours', TIMESTAMP_S '1000-06-07 08:09:10', TIMESTAMP_MS '2500-01-01 00:00:00.001', TIMESTAMP_NS '2200-01-01 00:00:00.000000001');

SELECT * FROM d ORDER BY id;
SELECT id, day FROM d WHERE day = DATE '2024-02-29';
SELECT id, day FROM d WHERE day < DATE '1970-01-01';
SELECT id, tm FROM d WHERE tm >= TIME '06:00:00';
SELECT id, ts FROM d WHERE ts > TIMESTAMP '1970-01-01';
SELECT id, tz FROM d WHERE tz < TIMESTAMPTZ '2024-03-01 00:00:00+00';
SELECT id FROM d WHERE tns = TIMESTAMP_NS '2024-02-29 12:34:56.789012345';
SELECT id, iv FROM d WHERE iv > INTERVAL '1 day';
SELECT id, year(day), month(day), day(day), quarter(day), week(day), dayofweek(day), dayofyear(day), isodow(day) FROM d;
SELECT id, hour(tm), minute(tm), second(tm), microsecond(tm) FROM d;
SELECT id, extract(epoch FROM ts), extract(century FROM ts), extract(decade FROM day) FROM d WHERE id < 4;
SELECT id, date_part('year', ts), date_part(['year', 'month'], ts) FROM d;
SELECT id, date_trunc('hour', ts), date_trunc('week', day), date_trunc('year', day) FROM d WHERE id IN (1, 2);
SELECT id, day + 1, day - 1, day + INTERVAL 1 MONTH FROM d WHERE id IN (1, 2);
SELECT id, ts + iv, ts - iv FROM d WHERE id IN (1, 2);
SELECT id, day - DATE '2000-01-01', ts - TIMESTAMP '2000-01-01' FROM d WHERE id < 3;
SELECT id, date_diff('day', DATE '2000-01-01', day), date_sub('month', DATE '2000-01-31', day) FROM d;
SELECT id, age(ts, TIMESTAMP '2000-01-01') FROM d WHERE id = 1;
SELECT id, last_day(day), monthname(day), dayname(day) FROM d WHERE id < 5;
SELECT id, strftime(day, '%Y/%m/%d'), strftime(ts, '%d.%m.%y %H:%M:%S.%f') FROM d WHERE id IN (1, 2);
SELECT strptime('29.02.2024 10:11', '%d.%m.%Y %H:%M'), try_strptime('nope', '%Y');
SELECT id, epoch(ts), epoch_ms(ts), epoch_us(ts) FROM d;
SELECT make_date(2024, 2, 29), make_time(1, 2, 3.5), make_timestamp(2024, 2, 29, 1, 2, 3.5);
SELECT to_timestamp(0), to_days(3), to_months(14), to_hours(5);
SELECT time_bucket(INTERVAL '15 minutes', TIMESTAMP '2024-01-01 10:37:00'), time_bucket(INTERVAL '1 month', DATE '2024-05-17');
SELECT id, day::VARCHAR, ts::VARCHAR, tm::VARCHAR, iv::VARCHAR, tns::VARCHAR, tz::VARCHAR FROM d;
SELECT id, ts::DATE, ts::TIME, day::TIMESTAMP FROM d;
SELECT TRY_CAST('2024-02-30' AS DATE), TRY_CAST('25:00' AS TIME);
SELECT max(day), min(day), max(ts), min(tm), max(tz) FROM d;
SELECT day, count(*) FROM d GROUP BY day ORDER BY day NULLS FIRST;
SELECT a.id, b.id FROM d a JOIN d b ON a.ts::DATE = b.day;
SELECT id FROM d ORDER BY iv NULLS LAST, id;
SELECT max(iv), min(iv) FROM d WHERE id < 3;
SELECT INTERVAL '1' DAY + INTERVAL '2' HOUR, INTERVAL 3 WEEK * 2, -INTERVAL '1 month';
SELECT datepart('isoyear', DATE '2024-12-30'), weekofyear(DATE '2024-12-30'), yearweek(DATE '2024-12-30');
SELECT DATE '2024-01-31' + INTERVAL 1 MONTH, DATE '2024-03-31' - INTERVAL 1 MONTH;
SELECT * FROM generate_series(DATE '2024-01-30', DATE '2024-02-02', INTERVAL 1 DAY) g(x);
SELECT range(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02', INTERVAL 6 HOUR);
SELECT 'infinity'::DATE > DATE '9999-12-31', '-infinity'::TIMESTAMP < TIMESTAMP '0001-01-01';
SELECT id, tz AT TIME ZONE 'UTC' FROM d;
SELECT isfinite(day) FROM d;
SELECT id, tss, tms FROM d WHERE tss >= TIMESTAMP_S '1969-12-31 23:59:59' AND tms IS NOT NULL;
-- error
SELECT DATE '2024-13-01';
-- error
SELECT DATE '2024-01-01' + DATE '2024-01-01';
