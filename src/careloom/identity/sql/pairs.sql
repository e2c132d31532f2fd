-- match_key(tier, n, ours, variant, k) -> match_pair(a, b, tier): every pair that some tier, our key or a person brings together.
-- A key of more than 30 records is no evidence. Other spellings (nicknames) of our names look for records; they do not count.
CREATE OR REPLACE TEMP TABLE match_shared_key AS
  SELECT tier, k FROM match_key WHERE NOT variant GROUP BY tier, k HAVING count(*) > 30;
CREATE OR REPLACE TEMP TABLE match_asked AS
  SELECT tier, n, k FROM match_key ANTI JOIN match_shared_key USING (tier, k) WHERE ours;
CREATE OR REPLACE TEMP TABLE match_offered AS SELECT tier, n, k FROM match_key WHERE NOT ours;
DROP TABLE match_key;

CREATE OR REPLACE TEMP TABLE match_found AS
  SELECT o.n AS a, t.n AS b, min(o.tier) AS tier
  FROM match_asked AS o JOIN match_offered AS t USING (tier, k) SEMI JOIN (FROM match_record WHERE fresh) AS r ON r.n = o.n GROUP BY o.n, t.n
  UNION ALL
  SELECT l.n, r.n, 0 FROM match_record AS l JOIN match_record AS r ON r.carries = l.id WHERE l.fresh AND NOT r.ours
  UNION ALL
  SELECT l.n, r.n, 0 FROM match_word AS s JOIN match_record AS l ON l.id = s.key AND l.fresh JOIN match_record AS r ON r.id = s.remote_id AND NOT r.ours
  WHERE s.verdict = 'link';

-- Rows that are settled already may want the same records: they are rivals, never again decided upon.
CREATE OR REPLACE TEMP TABLE match_pair AS
  SELECT a, b, coalesce(nullif(min(nullif(tier, 0)), 0), 0) AS tier FROM match_found GROUP BY a, b
  UNION ALL
  SELECT o.n, t.n, min(o.tier)
  FROM match_asked AS o JOIN match_offered AS t USING (tier, k)
    JOIN match_record AS l ON l.n = o.n AND NOT l.fresh JOIN match_record AS r ON r.n = t.n
  WHERE t.n IN (SELECT b FROM match_found) AND NOT EXISTS (FROM match_linked AS d WHERE d.key = l.id AND d.remote_id = r.id)
  GROUP BY o.n, t.n;
DROP TABLE match_asked;
DROP TABLE match_offered;
