-- match_rule -> match_candidate, match_outcome. What a person said outranks our key on the record, and that outranks the table.
-- Contradicting evidence that the table lets pass stops a link: the vetoes of rules.py.
CREATE OR REPLACE TEMP TABLE match_graded AS
WITH never AS (SELECT DISTINCT key, remote_id FROM match_word WHERE verdict = 'never'),
  said AS (SELECT DISTINCT key, remote_id FROM match_word WHERE verdict = 'link'),
  -- the keys that hold a record: the smallest and the largest tell whether any is another row's
  linked AS (SELECT remote_id, min(key) AS lo, max(key) AS hi FROM match_linked GROUP BY remote_id),
  promised AS (SELECT remote_id, min(key) AS lo, max(key) AS hi FROM said GROUP BY remote_id),
  claim AS (
    SELECT v.*, l.fresh, l.id AS key, r.id AS remote_id,
      n.key IS NOT NULL AS never, s.key IS NOT NULL AS said, coalesce(r.carries = l.id, false) AS carried,
      coalesce(o.lo <> l.id OR o.hi <> l.id, false) AS linked_elsewhere, coalesce(p.lo <> l.id OR p.hi <> l.id, false) AS said_elsewhere,
      coalesce(r.carries <> l.id, false) AS other_key, coalesce(r.carries <> l.id AND known.id IS NOT NULL, false) AS other_known_key
    FROM match_rule AS v JOIN match_record AS l ON l.n = v.a JOIN match_record AS r ON r.n = v.b
      LEFT JOIN never AS n ON n.key = l.id AND n.remote_id = r.id LEFT JOIN said AS s ON s.key = l.id AND s.remote_id = r.id
      LEFT JOIN linked AS o ON o.remote_id = r.id LEFT JOIN promised AS p ON p.remote_id = r.id
      LEFT JOIN (SELECT id FROM match_record WHERE ours) AS known ON known.id = r.carries),
  judged AS (
    SELECT c.* REPLACE (CASE WHEN never THEN 'never' WHEN said THEN 'person' WHEN carried THEN 'key' ELSE c.rule END AS rule),
      CASE WHEN said THEN 1 WHEN carried THEN 2 ELSE 3 END AS level, t.grade AS table_grade,
      CASE WHEN never THEN 'never'
           WHEN said THEN CASE WHEN linked_elsewhere OR other_known_key THEN 'taken' ELSE 'agreed' END
           WHEN carried THEN CASE WHEN linked_elsewhere OR said_elsewhere THEN 'taken' WHEN first_name = 'conflict' AND birth_date = 'conflict' THEN 'key-contradicted' ELSE 'agreed' END
           WHEN t.grade IN ('blocked', 'doubted') THEN t.reason
           WHEN linked_elsewhere OR said_elsewhere OR other_key THEN 'taken'
           WHEN t.grade = 'review' THEN t.reason
           {vetoes}
           ELSE t.reason END AS reason
    FROM claim AS c JOIN match_table AS t ON t.rule = CASE WHEN starts_with(c.rule, 'exact:') THEN 'exact' ELSE c.rule END)
SELECT *, CASE WHEN reason = 'never' THEN 'blocked' WHEN level < 3 THEN CASE WHEN reason = 'agreed' THEN 'certain' ELSE 'review' END
               WHEN table_grade = 'blocked' THEN 'blocked'
               -- Whose record it is, is known: somebody else's.
               WHEN table_grade = 'doubted' THEN CASE WHEN linked_elsewhere OR said_elsewhere OR other_key THEN 'blocked' ELSE 'doubted' END
               WHEN reason IN ('agreed', 'provisional') THEN table_grade ELSE 'review' END AS grade
FROM judged;

CREATE OR REPLACE TABLE match_candidate AS
  SELECT key, remote_id, tier, rule, grade, reason, {evidence}, trap, namesakes
  FROM match_graded WHERE fresh;

-- What is left for each row, on the highest level that it has; rivals are rows that have the same record left on that level or higher.
CREATE OR REPLACE TEMP TABLE match_left AS
  SELECT *, count(*) OVER (PARTITION BY a) AS many FROM (
    SELECT a, b, key, remote_id, fresh, level, rule, grade, reason,
      CASE WHEN level = 3 THEN count(*) OVER (PARTITION BY b) ELSE count(*) FILTER (level < 3) OVER (PARTITION BY b) END AS rows_wanting,
      min(level) OVER (PARTITION BY a) AS highest
    FROM match_graded WHERE grade NOT IN ('blocked', 'doubted'))
  WHERE level = highest;

CREATE OR REPLACE TEMP TABLE match_best AS
  SELECT a, many, level, remote_id, rule, grade,
    CASE WHEN many > 1 THEN CASE level WHEN 2 THEN 'two-records-one-key' ELSE 'several-records' END
         WHEN reason = 'taken' THEN reason
         WHEN rows_wanting > 1 THEN 'two-rows-one-record'
         WHEN grade = 'review' THEN reason
         WHEN grade = 'provisional' AND getvariable('match_accept') = 'certain' THEN 'provisional'
         ELSE 'agreed' END AS reason
  FROM match_left WHERE fresh
  QUALIFY row_number() OVER (PARTITION BY a ORDER BY array_position(['certain', 'provisional', 'review'], grade), rule, remote_id) = 1;

-- A row for which nothing is left, and a record that is nearly its own: a person is asked before anybody is made anew. Not where
-- the record is linked to another row just now: then twins are twins. Such a pair is no rival of any other.
CREATE OR REPLACE TEMP TABLE match_doubted AS
  SELECT g.a, count(*) AS many, min(g.remote_id) AS remote_id, arg_min(g.rule, (g.rule, g.remote_id)) AS rule, arg_min(g.reason, (g.rule, g.remote_id)) AS reason
  FROM match_graded AS g ANTI JOIN match_best AS b ON b.a = g.a ANTI JOIN (FROM match_best WHERE reason = 'agreed' AND many = 1) AS l ON l.remote_id = g.remote_id
  WHERE g.fresh AND g.grade = 'doubted' GROUP BY g.a;

CREATE OR REPLACE TABLE match_outcome AS
  SELECT r.id AS key,
    CASE WHEN b.reason = 'agreed' THEN 'link' WHEN b.a IS NULL AND d.a IS NULL THEN 'none' ELSE 'review' END AS outcome,
    CASE WHEN coalesce(b.many, d.many) = 1 THEN coalesce(b.remote_id, d.remote_id) END AS remote_id,
    coalesce(b.rule, d.rule) AS rule,
    CASE WHEN b.reason = 'agreed' THEN b.grade END AS grade,
    coalesce(b.reason, d.reason, CASE WHEN x.a IS NULL THEN 'no-candidate' ELSE 'contradicted' END) AS reason,
    coalesce(b.many, d.many, 0)::INTEGER AS candidates
  FROM match_record AS r LEFT JOIN match_best AS b ON b.a = r.n LEFT JOIN match_doubted AS d ON d.a = r.n LEFT JOIN (SELECT DISTINCT a FROM match_graded) AS x ON x.a = r.n
  WHERE r.fresh;
