-- match_pair(a, b, tier) -> match_rule(a, b, tier, the evidence of comparisons.py, rule): the decision table of rules.py.
-- What stands in braces is written by evidence.py. Levels: agree, near, conflict, unknown.
CREATE OR REPLACE TEMP TABLE match_side AS
  SELECT r.n, r.first, r.head, r.last, r.parts, r.middle, r.suffix, r.sex, r.dob, r.home, r.zip{own_columns},
    g.first IS NOT NULL AS given, coalesce(m.many, 1) AS namesakes
  FROM match_record AS r
    LEFT JOIN match_given AS g ON g.first = r.first LEFT JOIN match_namesakes AS m ON m.first = r.first AND m.last = r.last
  WHERE r.n IN (SELECT a FROM match_pair UNION ALL SELECT b FROM match_pair);

CREATE OR REPLACE TEMP TABLE match_same_mail AS
  SELECT a, b, x.mail FROM match_pair JOIN match_mail AS x ON x.n = a JOIN match_mail AS y ON y.n = b AND y.mail = x.mail;
CREATE OR REPLACE TEMP TABLE match_same_phone AS
  SELECT DISTINCT a, b FROM match_pair JOIN match_phone AS x ON x.n = a JOIN match_phone AS y ON y.n = b AND y.phone = x.phone;

CREATE OR REPLACE TEMP TABLE match_beside AS
  SELECT p.a, p.b, p.tier, l.first AS l_first, r.first AS r_first, l.head AS l_head, r.head AS r_head,
    l.last AS l_last, r.last AS r_last, l.parts AS l_parts, r.parts AS r_parts,
    {compared}
    (l.suffix IS NULL) <> (r.suffix IS NULL) AS one_suffix,
    greatest(l.namesakes, r.namesakes) AS namesakes,
    coalesce(least(length(l.first), length(r.first)) = 1 AND l.first <> r.first, false) AS is_initial,
    l.given AND r.given AND least(length(l.first), length(r.first)) > 1 AND l.head <> r.first AND l.first <> r.head AS both_given
  FROM match_pair AS p JOIN match_side AS l ON l.n = p.a JOIN match_side AS r ON r.n = p.b;

-- Names are compared once for each two names, not for each two people.
CREATE OR REPLACE TEMP TABLE match_firsts AS
  SELECT l_first, l_head, r_first, r_head,
    CASE WHEN k.x IS NOT NULL THEN 'agree'
         WHEN least(length(l_first), length(r_first)) >= 4 AND levenshtein(l_first, r_first) <= 1 THEN 'near'
         WHEN jaro_winkler_similarity(l_first, r_first) >= 0.92 THEN 'near'
         WHEN least(length(l_first), length(r_first)) = 1 AND left(l_first, 1) = left(r_first, 1) THEN 'near'
         WHEN l_head = r_first OR l_first = r_head THEN 'near' ELSE 'conflict' END AS first_name
  FROM (SELECT DISTINCT l_first, l_head, r_first, r_head FROM match_beside WHERE l_first <> r_first)
    LEFT JOIN careloom_nickname AS k ON k.x = l_first AND k.y = r_first;
CREATE OR REPLACE TEMP TABLE match_lasts AS
  SELECT l_last, r_last,
    CASE WHEN least(length(l_last), length(r_last)) >= 4 AND levenshtein(l_last, r_last) <= 1 THEN 'near'
         WHEN jaro_winkler_similarity(l_last, r_last) >= 0.92 THEN 'near' WHEN bool_or(list_has_any(l_parts, r_parts)) THEN 'near' ELSE 'conflict' END AS last_name
  FROM match_beside WHERE l_last <> r_last GROUP BY l_last, r_last;

CREATE OR REPLACE TEMP TABLE match_evidence AS
  SELECT p.* EXCLUDE (l_first, r_first, l_head, r_head, l_last, r_last, l_parts, r_parts),
    CASE WHEN p.l_first IS NULL OR p.r_first IS NULL THEN 'unknown' WHEN p.l_first = p.r_first THEN 'agree' ELSE f.first_name END AS first_name,
    CASE WHEN p.l_last IS NULL OR p.r_last IS NULL THEN 'unknown' WHEN p.l_last = p.r_last THEN 'agree' ELSE s.last_name END AS last_name,
    m.a IS NOT NULL AS email, h.a IS NOT NULL AS phone
  FROM match_beside AS p
    LEFT JOIN match_firsts AS f ON f.l_first = p.l_first AND f.r_first = p.r_first AND f.l_head = p.l_head AND f.r_head = p.r_head
    LEFT JOIN match_lasts AS s ON s.l_last = p.l_last AND s.r_last = p.r_last
    LEFT JOIN (SELECT DISTINCT a, b FROM match_same_mail) AS m ON m.a = p.a AND m.b = p.b
    LEFT JOIN match_same_phone AS h ON h.a = p.a AND h.b = p.b;
DROP TABLE match_beside;

-- Traps: whoever is called like one of the two (nicknames too) has two birth dates under the mail or address that they share. It is
-- asked only where names agree and a birth date is missing. Places are hashed: two of one hash only send a pair to a person.
CREATE OR REPLACE TEMP TABLE match_doubt AS
  SELECT v.a, v.b, s.first, unnest(list_filter([CASE WHEN m.mail IS NOT NULL THEN hash('mail', m.mail, s.last) END,
                                                CASE WHEN v.address THEN hash('home', s.home, s.last) END], lambda place: place IS NOT NULL)) AS place
  FROM (SELECT a, b, address, unnest([a, b]) AS n FROM match_evidence
          WHERE birth_date = 'unknown' AND first_name = 'agree' AND last_name = 'agree' AND (email OR address)) AS v
    JOIN match_side AS s USING (n) LEFT JOIN match_same_mail AS m ON m.a = v.a AND m.b = v.b;
CREATE OR REPLACE TEMP TABLE match_shared AS
  SELECT place, first, dob FROM (
    SELECT hash('mail', mail, last) AS place, first, dob FROM match_mail JOIN match_record USING (n) WHERE dob IS NOT NULL AND first IS NOT NULL
    UNION ALL SELECT hash('home', home, last), first, dob FROM match_record WHERE home IS NOT NULL AND dob IS NOT NULL AND first IS NOT NULL)
  SEMI JOIN match_doubt USING (place);
CREATE OR REPLACE TEMP TABLE match_trap AS
  SELECT DISTINCT a, b FROM match_doubt SEMI JOIN (
    SELECT place, first FROM (FROM match_shared UNION ALL SELECT place, y, dob FROM match_shared JOIN careloom_nickname ON x = first)
    GROUP BY place, first HAVING min(dob) <> max(dob)) USING (place, first);

CREATE OR REPLACE TEMP TABLE match_rule AS
  SELECT *, CASE
    {rules} END AS rule
  FROM (SELECT v.*, t.a IS NOT NULL AS trap FROM match_evidence AS v LEFT JOIN match_trap AS t ON t.a = v.a AND t.b = v.b);
DROP TABLE match_evidence;
