-- match_raw (view over both sides, one form) -> match_record, match_mail, match_phone: normal forms, placeholders already NULL.
-- Few values are many rows' values (names, dates, cities): each is brought to its normal form once.
CREATE OR REPLACE TEMP TABLE match_first AS
  SELECT t, careloom_first_name(t) AS words, careloom_suffix_in(t) AS suffix, careloom_initial_in(t) AS initial
  FROM (SELECT DISTINCT first AS t FROM match_raw WHERE first IS NOT NULL);
CREATE OR REPLACE TEMP TABLE match_last AS
  SELECT t, careloom_last_name(t) AS words, careloom_suffix_in_last(t) AS suffix
  FROM (SELECT DISTINCT last AS t FROM match_raw WHERE last IS NOT NULL);
CREATE OR REPLACE TEMP TABLE match_middle AS
  SELECT t, careloom_middle_name(t) AS name FROM (SELECT DISTINCT middle AS t FROM match_raw WHERE middle IS NOT NULL);
CREATE OR REPLACE TEMP TABLE match_day AS
  SELECT t, careloom_birth_date(t) AS day FROM (SELECT DISTINCT dob AS t FROM match_raw WHERE dob IS NOT NULL);
CREATE OR REPLACE TEMP TABLE match_street AS
  SELECT t, careloom_street(t) AS street, careloom_unit_in(t) AS unit FROM (SELECT DISTINCT street AS t FROM match_raw WHERE street IS NOT NULL);
CREATE OR REPLACE TEMP TABLE match_unit AS
  SELECT t, careloom_unit(t) AS unit FROM (SELECT DISTINCT unit AS t FROM match_raw WHERE unit IS NOT NULL);
CREATE OR REPLACE TEMP TABLE match_place AS
  SELECT city, state, zip, careloom_city(city) AS c, careloom_state(state) AS s, careloom_zip(zip) AS z
  FROM (SELECT DISTINCT city, state, zip FROM match_raw);
CREATE OR REPLACE TEMP TABLE match_kind AS
  SELECT sex, suffix, careloom_sex(sex) AS x, careloom_suffix(suffix) AS j FROM (SELECT DISTINCT sex, suffix FROM match_raw);

-- `first` and `last` without blanks ("de la Cruz" is "Delacruz"); `head` the first word of a given name of several.
CREATE OR REPLACE TEMP SEQUENCE match_number;
CREATE OR REPLACE TEMP TABLE match_record AS
  SELECT nextval('match_number') AS n, r.ours, r.fresh, r.id, r.carries,
    replace(f.words, ' ', '') AS first, split_part(f.words, ' ', 1) AS head,
    replace(l.words, ' ', '') AS last, CASE WHEN contains(l.words, ' ') THEN careloom_parts(l.words) ELSE [l.words] END AS parts,
    left(coalesce(m.name, f.initial), 1) AS middle, coalesce(k.j, l.suffix, f.suffix) AS suffix, k.x AS sex,
    CASE WHEN d.day BETWEEN coalesce(getvariable('match_oldest'), '') AND coalesce(getvariable('match_today'), '9999') THEN d.day END AS dob,
    st.street, concat_ws(' ', st.unit, u.unit) AS unit, p.c AS city, p.s AS state, p.z AS zip,
    st.street || '|' || concat_ws(' ', st.unit, u.unit) || '|' || coalesce(p.z, p.c || '|' || p.s) AS home,
    r.mails, r.phones, r.others{own_normal_forms}
  FROM match_raw AS r
    LEFT JOIN match_first AS f ON f.t = r.first LEFT JOIN match_last AS l ON l.t = r.last
    LEFT JOIN match_middle AS m ON m.t = r.middle LEFT JOIN match_day AS d ON d.t = r.dob
    LEFT JOIN match_street AS st ON st.t = r.street LEFT JOIN match_unit AS u ON u.t = r.unit
    LEFT JOIN match_place AS p ON p.city IS NOT DISTINCT FROM r.city AND p.state IS NOT DISTINCT FROM r.state AND p.zip IS NOT DISTINCT FROM r.zip
    LEFT JOIN match_kind AS k ON k.sex IS NOT DISTINCT FROM r.sex AND k.suffix IS NOT DISTINCT FROM r.suffix;
-- "John Doe" and "Jane Doe" are what registration desks write for nobody.
UPDATE match_record SET first = NULL, head = NULL, last = NULL, parts = NULL WHERE last = 'doe' AND first IN ('john', 'jane');

CREATE OR REPLACE TEMP TABLE match_mail AS
  SELECT DISTINCT n, careloom_written_mail(t) AS mail FROM (SELECT n, unnest(mails) AS t FROM match_record) WHERE t IS NOT NULL;
DELETE FROM match_mail WHERE careloom_real_mail(mail) IS NULL;

-- Numbers that this leaves NULL are settled outside of SQL, each once.
CREATE OR REPLACE TEMP TABLE match_dialled AS
  SELECT n, t, careloom_plain_phone(t) AS phone FROM (SELECT n, unnest(phones) AS t FROM match_record) WHERE t IS NOT NULL;
