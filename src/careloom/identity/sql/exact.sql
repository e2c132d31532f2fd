-- Not people: the shared value is the whole evidence, and resolve.sql asks that it be one row's and one record's alone.
CREATE OR REPLACE TEMP TABLE match_rule AS
  SELECT a, b, tier, {no_evidence}, NULL::BOOLEAN AS one_suffix, NULL::BOOLEAN AS trap, NULL::BIGINT AS namesakes,
    NULL::BOOLEAN AS both_given, NULL::BOOLEAN AS is_initial, 'exact:' || tier AS rule
  FROM match_pair;
