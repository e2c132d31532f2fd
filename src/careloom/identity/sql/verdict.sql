-- match_pair(a, b, tier) -> match_rule(a, b, tier, verdicts, rule): the decision table; the first line that fits wins.
-- Verdicts: A agree, N near, X conflict, ? unknown.
CREATE OR REPLACE TEMP TABLE match_side AS
  SELECT r.n, r.first, r.head, r.last, r.parts, r.middle, r.suffix, r.sex, r.dob, r.home, r.zip,
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
    CASE WHEN l.dob IS NULL OR r.dob IS NULL THEN '?' WHEN l.dob = r.dob THEN 'A' WHEN levenshtein(l.dob, r.dob) <= 1 THEN 'N'
         WHEN left(l.dob, 4) = left(r.dob, 4) AND l.dob[6:7] = r.dob[9:10] AND l.dob[9:10] = r.dob[6:7] THEN 'N' ELSE 'X' END AS vd,
    coalesce(l.home = r.home, false) AS ad, coalesce(l.zip = r.zip, false) AS zp,
    coalesce(l.suffix <> r.suffix, false) AS sx, (l.suffix IS NULL) <> (r.suffix IS NULL) AS one_suffix,
    coalesce(l.sex <> r.sex, false) AS gx, coalesce(l.middle <> r.middle, false) AS mx, coalesce(l.middle = r.middle, false) AS ma,
    greatest(l.namesakes, r.namesakes) AS namesakes,
    coalesce(least(length(l.first), length(r.first)) = 1 AND l.first <> r.first, false) AS initial,
    l.given AND r.given AND least(length(l.first), length(r.first)) > 1 AND l.head <> r.first AND l.first <> r.head AS given
  FROM match_pair AS p JOIN match_side AS l ON l.n = p.a JOIN match_side AS r ON r.n = p.b;

-- Names are compared once for each two names, not for each two people.
CREATE OR REPLACE TEMP TABLE match_firsts AS
  SELECT l_first, l_head, r_first, r_head,
    CASE WHEN k.x IS NOT NULL THEN 'A'
         WHEN least(length(l_first), length(r_first)) >= 4 AND levenshtein(l_first, r_first) <= 1 THEN 'N'
         WHEN jaro_winkler_similarity(l_first, r_first) >= 0.92 THEN 'N'
         WHEN least(length(l_first), length(r_first)) = 1 AND left(l_first, 1) = left(r_first, 1) THEN 'N'
         WHEN l_head = r_first OR l_first = r_head THEN 'N' ELSE 'X' END AS vf
  FROM (SELECT DISTINCT l_first, l_head, r_first, r_head FROM match_beside WHERE l_first <> r_first)
    LEFT JOIN careloom_nickname AS k ON k.x = l_first AND k.y = r_first;
CREATE OR REPLACE TEMP TABLE match_lasts AS
  SELECT l_last, r_last,
    CASE WHEN least(length(l_last), length(r_last)) >= 4 AND levenshtein(l_last, r_last) <= 1 THEN 'N'
         WHEN jaro_winkler_similarity(l_last, r_last) >= 0.92 THEN 'N' WHEN bool_or(list_has_any(l_parts, r_parts)) THEN 'N' ELSE 'X' END AS vl
  FROM match_beside WHERE l_last <> r_last GROUP BY l_last, r_last;

CREATE OR REPLACE TEMP TABLE match_verdict AS
  SELECT p.* EXCLUDE (l_first, r_first, l_head, r_head, l_last, r_last, l_parts, r_parts),
    CASE WHEN p.l_first IS NULL OR p.r_first IS NULL THEN '?' WHEN p.l_first = p.r_first THEN 'A' ELSE f.vf END AS vf,
    CASE WHEN p.l_last IS NULL OR p.r_last IS NULL THEN '?' WHEN p.l_last = p.r_last THEN 'A' ELSE s.vl END AS vl,
    m.a IS NOT NULL AS em, h.a IS NOT NULL AS ph
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
                                                CASE WHEN v.ad THEN hash('home', s.home, s.last) END], lambda place: place IS NOT NULL)) AS place
  FROM (SELECT a, b, ad, unnest([a, b]) AS n FROM match_verdict WHERE vd = '?' AND vf = 'A' AND vl = 'A' AND (em OR ad)) AS v
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
    WHEN sx AND vf IN ('A', 'N') AND vl IN ('A', 'N') AND vd = 'A' THEN 'ASK:suffix'
    WHEN sx THEN 'BLOCK:suffix'
    WHEN vf = 'X' AND vd = 'X' THEN 'BLOCK:first+dob'
    WHEN vf = 'X' AND vd = 'A' AND (em OR (vl IN ('A', 'N') AND (ad OR ph))) THEN 'ASK:twin?'
    WHEN vf = 'X' AND vd = 'A' AND (ad OR em OR ph OR vl IN ('A', 'N')) THEN 'BLOCK:twin?'
    WHEN vf = 'X' THEN 'BLOCK:first'
    WHEN vd = 'X' AND vf = 'A' AND vl = 'A' AND em THEN 'REVIEW:dob-conflict'
    WHEN vd = 'X' AND vf = 'A' AND vl = 'A' AND (ad OR ph) THEN 'ASK:dob'
    WHEN vd = 'X' THEN 'BLOCK:dob'
    WHEN em AND vf IN ('A', 'N') AND vd = 'A' THEN 'AUTO:T1a'
    WHEN em AND vf = 'A' AND vl = 'A' AND vd = 'N' THEN 'AUTO:T1b'
    WHEN em AND vf = 'A' AND vl = 'A' AND vd = '?' AND NOT gx AND NOT mx AND NOT trap THEN 'PROV:T1c'
    WHEN em THEN 'REVIEW:T1'
    WHEN vf = 'A' AND vl = 'A' AND vd = 'A' AND mx THEN 'REVIEW:T2-middle'
    WHEN vf = 'A' AND vl = 'A' AND vd = 'A' AND (ad OR ph OR zp OR ma) THEN 'AUTO:T2a'
    WHEN vf = 'A' AND vl = 'A' AND vd = 'A' AND gx THEN 'REVIEW:T2-sex'
    WHEN vf = 'A' AND vl = 'A' AND vd = 'A' AND namesakes < 10 THEN 'AUTO:T2b'
    WHEN vf = 'A' AND vl = 'A' AND vd = 'A' THEN 'REVIEW:T2-common'
    WHEN ad AND vf IN ('A', 'N') AND vl IN ('A', 'N') AND vd = 'A' THEN 'AUTO:T3a'
    WHEN ad AND vf = 'A' AND vl = 'A' AND vd = 'N' AND NOT gx AND NOT mx THEN 'AUTO:T3b'
    WHEN ad AND vf = 'A' AND vl = 'A' AND vd = '?' AND (ph OR ma) AND NOT gx AND NOT mx AND NOT trap THEN 'PROV:T3c'
    WHEN ad AND vf = 'A' AND vd = 'A' THEN 'REVIEW:T3-lastname'
    WHEN ad AND vf = 'A' AND vl = 'A' THEN 'REVIEW:T3-nodob'
    WHEN ad AND vf IN ('A', 'N') AND vl IN ('A', 'N') THEN 'REVIEW:T3-weak'
    WHEN vf IN ('A', 'N') AND vl IN ('A', 'N') THEN 'REVIEW:tier'
    WHEN vf = '?' AND vl IN ('A', 'N') AND vd = 'A' AND (ad OR ph) THEN 'ASK:no-first'
    ELSE 'NONE' END AS rule
  FROM (SELECT v.*, t.a IS NOT NULL AS trap FROM match_verdict AS v LEFT JOIN match_trap AS t ON t.a = v.a AND t.b = v.b);
DROP TABLE match_verdict;
