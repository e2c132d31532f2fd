-- Not people: the shared value is the whole evidence, and resolve.sql asks that it be one row's and one record's alone.
CREATE OR REPLACE TEMP TABLE match_rule AS
  SELECT a, b, tier, NULL::VARCHAR AS vf, NULL::VARCHAR AS vl, NULL::VARCHAR AS vd, NULL::BOOLEAN AS em, NULL::BOOLEAN AS ph, NULL::BOOLEAN AS ad,
    NULL::BOOLEAN AS zp, NULL::BOOLEAN AS sx, NULL::BOOLEAN AS one_suffix, NULL::BOOLEAN AS gx, NULL::BOOLEAN AS mx, NULL::BOOLEAN AS ma,
    NULL::BOOLEAN AS trap, NULL::BIGINT AS namesakes, NULL::BOOLEAN AS given, NULL::BOOLEAN AS initial, 'exact:' || tier AS rule
  FROM match_pair;
