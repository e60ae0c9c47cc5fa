-- The blocks of errors that were there before the triggers: a step of its own, which locks nothing while it reads.
INSERT INTO error_block
SELECT number, earliest FROM (SELECT id / 1024, min(last_at) FROM error GROUP BY 1) AS come(number, earliest)
WHERE NOT EXISTS (SELECT FROM error_block AS b WHERE b.number = come.number AND b.earliest <= come.earliest);
