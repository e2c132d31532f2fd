-- What is shared too widely to tell people apart becomes NULL, found in the data itself; namesakes are counted.
-- Bounds of reference: a key of more than 30 records; a mail of more than 6 names, a phone of more than 8; a birth date 20 times the mean.
CREATE OR REPLACE TEMP TABLE match_phone AS
  SELECT DISTINCT n, coalesce(phone, e164) AS phone FROM match_dialled LEFT JOIN careloom_abroad ON written = t AND phone IS NULL
  WHERE coalesce(phone, e164) IS NOT NULL;
ALTER TABLE match_record DROP COLUMN mails;
ALTER TABLE match_record DROP COLUMN phones;

DELETE FROM match_mail WHERE mail IN (
  SELECT mail FROM match_mail JOIN match_record USING (n) GROUP BY mail HAVING count(*) > 6
    AND (count(*) > 30 OR count(DISTINCT (first, last)) FILTER (first IS NOT NULL OR last IS NOT NULL) > 6));
DELETE FROM match_phone WHERE phone IN (
  SELECT phone FROM match_phone JOIN match_record USING (n) GROUP BY phone HAVING count(*) > 8
    AND (count(*) > 30 OR count(DISTINCT (first, last)) FILTER (first IS NOT NULL OR last IS NOT NULL) > 8));
UPDATE match_record SET dob = NULL WHERE dob IN (
  SELECT dob FROM match_record WHERE dob IS NOT NULL GROUP BY dob
  HAVING count(*) > 20 * (SELECT count(dob) / count(DISTINCT dob) FROM match_record));
UPDATE match_record SET street = NULL, home = NULL WHERE home IN (
  SELECT home FROM match_record WHERE home IS NOT NULL GROUP BY home HAVING count(*) > 30);
{without_shared_values}

CREATE OR REPLACE TEMP TABLE match_namesakes AS
  SELECT first, last, count(*) AS many FROM match_record WHERE first IS NOT NULL AND last IS NOT NULL GROUP BY ALL HAVING count(*) >= 10;
-- A name that people have, not a slip: in the table of nicknames, or borne by more records than one slip is repeated.
CREATE OR REPLACE TEMP TABLE match_given AS
  SELECT first FROM match_record WHERE first IS NOT NULL GROUP BY first HAVING count(*) >= 5 + (SELECT count(*) FROM match_record) // 20000
  UNION SELECT x FROM careloom_nickname;
