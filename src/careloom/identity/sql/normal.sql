-- Normal forms as macros over one text: what cannot be evidence (a placeholder, an impossible value) becomes NULL.
-- RE2 has no back-references. A macro pastes its argument wherever it names it; where that would be often, the value is bound
-- once by a lambda over a list of one, else nested macros grow without bound. Tables that the macros read are made by normal.py before this file runs:
--   careloom_word(kind, word, short)    USPS Publication 28 words, states
--   careloom_abroad(written, e164)      numbers that are not plain North American ones, settled by phonenumbers

-- ------------------------------------------------------------------ text
CREATE OR REPLACE TEMP MACRO careloom_fold(t) AS
  CASE WHEN length(t) = strlen(t) THEN lower(t) ELSE lower(strip_accents(replace(replace(replace(replace(translate(t, 'ØøŁłĐđÐð', 'OoLlDdDd'), 'ß', 'ss'), 'æ', 'ae'), 'Æ', 'ae'), 'œ', 'oe'))) END;

-- Letters and digits in words, one blank between; apostrophes and full stops vanish ("O'Brien" is one word), all else parts.
CREATE OR REPLACE TEMP MACRO careloom_words(t) AS
  CASE WHEN regexp_matches(t, '^[A-Za-z]+$') THEN lower(t) ELSE nullif(trim(regexp_replace(regexp_replace(careloom_fold(t), '[''’‘`´.]', '', 'g'), '[^\p{L}\p{N}]+', ' ', 'g')), '') END;

CREATE OR REPLACE TEMP MACRO careloom_is_nothing(w) AS
  w IN ('unknown', 'unk', 'unkn', 'none', 'na', 'n a', 'nil', 'null', 'test', 'tester', 'testing', 'test test', 'test patient', 'patient',
        'not provided', 'not given', 'not available', 'not applicable', 'notprovided', 'no name', 'noname', 'no first name',
        'no last name', 'declined', 'refused', 'anonymous', 'anon', 'nobody', 'blank', 'missing', 'undefined', 'tbd', 'temp',
        'dummy', 'fake', 'fnu', 'lnu', 'nfn', 'nln', 'nmn', 'firstname', 'lastname', 'first name', 'last name', 'asdf', 'same',
        'nan', 'no', 'not known', 'unspecified', 'placeholder', 'do not use', 'donotuse')
  OR regexp_matches(w, '^(x{2,}|z{2,}|a{3,}|unknown .*|.* unknown|(baby|bb|bg|newborn|infant|twin)( ?(boy|girl|male|female|[a-d]|[1-4]|one|two))*)$');

CREATE OR REPLACE TEMP MACRO careloom_text(t) AS
  list_transform([careloom_words(t)], lambda w:
    CASE WHEN NOT careloom_is_nothing(w) THEN nullif(trim(regexp_replace(careloom_fold(t), '\s+', ' ', 'g')), '') END)[1];

-- ------------------------------------------------------------------ names
CREATE OR REPLACE TEMP MACRO careloom_generation(suffix) AS list_transform([suffix], lambda w:
  CASE WHEN w IN ('jr', 'jnr', 'junior') THEN 'jr' WHEN w IN ('sr', 'snr', 'senior') THEN 'sr' WHEN w IN ('ii', '2nd', '2d') THEN 'ii'
       WHEN w IN ('iii', '3rd', '3d') THEN 'iii' WHEN w IN ('iv', '4th') THEN 'iv' WHEN w IN ('v', '5th') THEN 'v' END)[1];

-- A suffix in its own field.
CREATE OR REPLACE TEMP MACRO careloom_suffix(t) AS
  careloom_generation(regexp_extract(careloom_words(t), '(?:^| )(jr|jnr|junior|sr|snr|senior|ii|iii|iv|v|2nd|2d|3rd|3d|4th|5th)(?: |$)', 1));

-- A suffix at the end of a name: it needs a name before it. "v" alone ends last names only ("Smith V"), first names have initials.
CREATE OR REPLACE TEMP MACRO careloom_suffix_in(t) AS
  careloom_generation(regexp_extract(careloom_words(t), '^.+? (jr|jnr|junior|sr|snr|senior|ii|iii|iv|2nd|3rd|4th)(?: (?:md|do|dds|dmd|phd|rn|np|pa|esq|cpa))*$', 1));

CREATE OR REPLACE TEMP MACRO careloom_unquoted(t) AS regexp_replace(t, '\([^)]*\)|"[^"]*"', ' ', 'g');

CREATE OR REPLACE TEMP MACRO careloom_bare(w) AS
  regexp_replace(w, '(.)(?: (?:jr|jnr|junior|sr|snr|senior|ii|iii|iv|2nd|3rd|4th|md|do|dds|dmd|phd|rn|np|pa|esq|cpa))+$', '\1');

CREATE OR REPLACE TEMP MACRO careloom_person(name) AS
  list_transform([name], lambda w: CASE WHEN regexp_matches(w, '\p{L}') AND NOT careloom_is_nothing(w) THEN w END)[1];

-- The given name, in words; initials behind it belong to the middle name.
CREATE OR REPLACE TEMP MACRO careloom_first_name(t) AS
  careloom_person(regexp_replace(careloom_bare(regexp_replace(careloom_person(careloom_words(careloom_unquoted(t))), '^(?:mr|mrs|ms|miss|dr|prof|rev) (.)', '\1')),
                                 '(.)(?: [a-z])+$', '\1'));

CREATE OR REPLACE TEMP MACRO careloom_initial_in(t) AS
  nullif(regexp_extract(careloom_bare(careloom_person(careloom_words(careloom_unquoted(t)))), '^.+? ([a-z])(?: [a-z])*$', 1), '');

CREATE OR REPLACE TEMP MACRO careloom_middle_name(t) AS careloom_person(careloom_words(t));

CREATE OR REPLACE TEMP MACRO careloom_last_name(t) AS
  careloom_person(careloom_bare(regexp_replace(careloom_person(careloom_words(careloom_unquoted(t))), '(.) v$', '\1')));

CREATE OR REPLACE TEMP MACRO careloom_suffix_in_last(t) AS
  coalesce(careloom_suffix_in(t), CASE WHEN regexp_matches(careloom_words(t), '. v$') THEN 'v' END);

-- The parts of a double name that can stand alone: no particles.
CREATE OR REPLACE TEMP MACRO careloom_parts(w) AS
  list_filter(string_split(w, ' '), lambda part: length(part) >= 3 AND part NOT IN ('del', 'der', 'den', 'van', 'von', 'mac', 'los', 'las', 'dos', 'das', 'bin', 'ben', 'ibn', 'abu', 'san', 'saint', 'santa', 'ter', 'ten'));

-- ------------------------------------------------------------------ sex and dates
CREATE OR REPLACE TEMP MACRO careloom_sex(t) AS list_transform([careloom_words(t)], lambda w:
  CASE WHEN w IN ('m', 'male', 'man', 'boy') THEN 'm' WHEN w IN ('f', 'female', 'woman', 'girl') THEN 'f' END)[1];

-- A day as YYYY-MM-DD: from that form (a time behind it is dropped), US forms, month names, or milliseconds since 1970 UTC.
-- Eight digits or fewer are no milliseconds: a year alone, or a US date without strokes, must not become a day of 1970.
CREATE OR REPLACE TEMP MACRO careloom_written_day(t) AS
  CASE WHEN regexp_matches(t, '^\d{4}-\d{1,2}-\d{1,2}([T ].*)?$') THEN try_cast(regexp_extract(t, '^[0-9-]+') AS DATE)
       WHEN regexp_matches(t, '^\d{1,2}[/-]\d{1,2}[/-]\d{4}( .*)?$') THEN try_strptime(replace(regexp_extract(t, '^[0-9/-]+'), '-', '/'), '%m/%d/%Y')::DATE
       WHEN regexp_matches(t, '^(18|19|20)\d{6}$') THEN try_strptime(t, '%Y%m%d')::DATE
       WHEN regexp_matches(t, '^(-\d{6,14}|\d{9,14})$') THEN (DATE '1970-01-01' + floor(t::BIGINT / 86400000.0)::INTEGER)::DATE
       WHEN regexp_matches(t, '\d{4}') THEN try_strptime(t, ['%Y/%m/%d', '%d-%b-%Y', '%b %d, %Y', '%B %d, %Y', '%d %b %Y', '%d %B %Y'])::DATE END;

CREATE OR REPLACE TEMP MACRO careloom_real_day(day) AS list_transform([day], lambda d:
  CASE WHEN d BETWEEN DATE '1900-01-02' AND DATE '2098-12-31' AND d <> DATE '1901-01-01' THEN strftime(d, '%Y-%m-%d') END)[1];

CREATE OR REPLACE TEMP MACRO careloom_birth_date(t) AS careloom_real_day(careloom_written_day(trim(t)));

-- ------------------------------------------------------------------ mail
CREATE OR REPLACE TEMP MACRO careloom_written_mail(t) AS
  CASE WHEN regexp_matches(t, '[<>:]') THEN regexp_replace(lower(trim(t)), '^(?:mailto:|<)?\s*(.*?)>?$', '\1') ELSE lower(trim(t)) END;

CREATE OR REPLACE TEMP MACRO careloom_is_mail(m) AS
  length(m) <= 254 AND
  (regexp_matches(m, '^[a-z0-9_-]+([.+][a-z0-9_-]+)*@([a-z0-9]+([-][a-z0-9]+)*\.)+[a-z]{2,}$') OR
   regexp_matches(m, '^[\p{L}\p{N}!#$%&''*+/=?^_`{|}~-]+(\.[\p{L}\p{N}!#$%&''*+/=?^_`{|}~-]+)*@([\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(\p{L}{2,}|xn--[a-z0-9-]+)$'));

CREATE OR REPLACE TEMP MACRO careloom_is_nobodys_mail(m) AS
  regexp_matches(translate(split_part(split_part(m, '@', 1), '+', 1), '._-', ''),
    '^(no|na|non|none|nope|nil|null|nan|x{2,}|z{2,}|unknown|unk|declined?|refused?|patient|client|test|tester|testing|testtest|nobody|noone|fake|asdf|abc|email|mail|user|guest|anonymous|placeholder|undefined|notprovided|notgiven|notavailable|notapplicable|mailerdaemon|postmaster|donthave|0+|1+|1234?5?|(noreply|donotreply|dontreply|noemail|nomail|noaddress|unknownemail|emaildeclined|emailrefused|emailunknown).*)$')
  OR regexp_matches(m, '@(no-?e?mail|none|na|no|nowhere|unknown|test|noreply|donotemail|declined|refused|nothing|xxx?|123|abc|asdf|aaa)\.[a-z]+$')
  OR ends_with(m, '.invalid');

CREATE OR REPLACE TEMP MACRO careloom_real_mail(m) AS CASE WHEN careloom_is_mail(m) AND NOT careloom_is_nobodys_mail(m) THEN m END;

CREATE OR REPLACE TEMP MACRO careloom_email(t) AS list_transform([careloom_written_mail(t)], lambda m: careloom_real_mail(m))[1];

-- ------------------------------------------------------------------ phone
CREATE OR REPLACE TEMP MACRO careloom_digits(t) AS
  translate(CASE WHEN regexp_matches(t, '[a-zA-Z#]') THEN regexp_replace(lower(t), '\s*(?:;?ext\.?=?|extension|x|#)\s*\.?\d{1,7}\s*$', '') ELSE t END,
            ' ().-/' || chr(160) || chr(9), '');

CREATE OR REPLACE TEMP MACRO careloom_is_plain_phone(t) AS regexp_matches(careloom_digits(t), '^(\+?1)?[2-9]\d\d[2-9]\d{6}$');

CREATE OR REPLACE TEMP MACRO careloom_is_nobodys_phone(p) AS
  regexp_matches(p, '(0{7}|1{7}|2{7}|3{7}|4{7}|5{7}|6{7}|7{7}|8{7}|9{7})$|^(2345678900|2345678901|9876543210)$');

CREATE OR REPLACE TEMP MACRO careloom_plain_phone(t) AS list_transform([careloom_digits(t)], lambda d:
  CASE WHEN regexp_matches(d, '^(\+?1)?[2-9]\d\d[2-9]\d{6}$') AND NOT careloom_is_nobodys_phone(right(d, 10)) THEN '+1' || right(d, 10) END)[1];

CREATE OR REPLACE TEMP MACRO careloom_phone(t) AS coalesce(careloom_plain_phone(t), (SELECT e164 FROM careloom_abroad WHERE written = t));

-- ------------------------------------------------------------------ US address
-- "Apt 4", "Unit 4", "# 4" and "Ste 4" say the same: the designator is dropped, its number stays.
CREATE OR REPLACE TEMP MACRO careloom_tidy_address(w) AS
  trim(regexp_replace(regexp_replace(regexp_replace(translate(replace(w, '#', ' unit '), '.''’`', ''), '(\d)-([a-z])\b', '\1\2', 'g'),
                                     '[^\p{L}\p{N}]+', ' ', 'g'), '\bp ?o ?box\b|\bpost office box\b', 'pobox', 'g'));

CREATE OR REPLACE TEMP MACRO careloom_address_words(t) AS list_transform([careloom_fold(t)], lambda w:
  CASE WHEN regexp_matches(w, '[^a-z0-9 ]|  |box|^ | $') THEN careloom_tidy_address(w) ELSE w END)[1];

CREATE OR REPLACE TEMP MACRO careloom_unit_tail() AS
  '(?:(?:apt|apartment|unit|ste|suite|fl|flr|floor|rm|room|bldg|building|lot|trlr|trailer|spc|space|dept|department|no|number) )+([\p{L}]?\d+[\p{L}]?|[\p{L}])(?: |$)';

CREATE OR REPLACE TEMP MACRO careloom_units(w) AS
  nullif(list_aggregate(regexp_extract_all(w, '\b' || careloom_unit_tail(), 1).list_transform(lambda unit: ltrim(unit, '0')), 'string_agg', ' '), '');

-- The unit line alone may lack its designator: "4B".
CREATE OR REPLACE TEMP MACRO careloom_unit(t) AS
  list_transform([careloom_address_words(t)], lambda w:
    CASE WHEN NOT careloom_is_nothing(careloom_words(t)) THEN coalesce(careloom_units(w), nullif(ltrim(w, '0'), '')) END)[1];

CREATE OR REPLACE TEMP MACRO careloom_unit_in(t) AS careloom_units(regexp_replace(careloom_address_words(t), '^\S+ ', ''));

-- The words behind the house number in short form, each by the table; behind the seventh they stay. Six joins of a small table are
-- ten times cheaper than taking the words apart and aggregating them again.
CREATE OR REPLACE TEMP MACRO careloom_short(w) AS
  (SELECT nullif(concat_ws(' ', p[1], coalesce(b.short, p[2]), coalesce(c.short, p[3]), coalesce(d.short, p[4]), coalesce(e.short, p[5]), coalesce(f.short, p[6]), coalesce(g.short, p[7]), nullif(array_to_string(p[8:], ' '), '')), '')
   FROM (SELECT string_split(w, ' ') AS p)
     LEFT JOIN careloom_word AS b ON b.kind = 'street' AND b.word = p[2]
     LEFT JOIN careloom_word AS c ON c.kind = 'street' AND c.word = p[3]
     LEFT JOIN careloom_word AS d ON d.kind = 'street' AND d.word = p[4]
     LEFT JOIN careloom_word AS e ON e.kind = 'street' AND e.word = p[5]
     LEFT JOIN careloom_word AS f ON f.kind = 'street' AND f.word = p[6]
     LEFT JOIN careloom_word AS g ON g.kind = 'street' AND g.word = p[7]);

CREATE OR REPLACE TEMP MACRO careloom_street_words(t) AS
  trim(regexp_replace(careloom_address_words(t), '(.)\b' || careloom_unit_tail(), '\1 ', 'g'));

-- A street must have a number, or be a post-office box: "Homeless" and "General Delivery" are no places.
CREATE OR REPLACE TEMP MACRO careloom_street(t) AS
  careloom_short(list_transform([careloom_street_words(t)], lambda w:
    CASE WHEN regexp_matches(w, '\d') AND regexp_matches(w, '\p{L}') THEN regexp_replace(w, '\s+', ' ', 'g') END)[1]);

CREATE OR REPLACE TEMP MACRO careloom_city(t) AS
  regexp_replace(regexp_replace(regexp_replace(careloom_person(careloom_words(t)), '^st ', 'saint '), '^ft ', 'fort '), '^mt ', 'mount ');

CREATE OR REPLACE TEMP MACRO careloom_state(t) AS
  coalesce((SELECT short FROM careloom_word WHERE kind = 'state' AND word = careloom_words(t)),
           list_transform([careloom_words(t)], lambda w: CASE WHEN regexp_matches(w, '^[a-z]{2}$') AND w NOT IN ('xx', 'na', 'zz') THEN w END)[1]);

-- Five digits; a lost leading zero is put back (Massachusetts in a spreadsheet).
CREATE OR REPLACE TEMP MACRO careloom_zip(t) AS
  CASE WHEN regexp_matches(trim(t), '^\d{4,5}(-?\d{4})?$') AND lpad(regexp_extract(trim(t), '^(\d{5}|\d{4}$|\d{4}-)'), 5, '0') NOT IN ('00000', '99999', '12345', '11111')
       THEN lpad(regexp_extract(trim(t), '^(\d{5}|\d{4})', 1), 5, '0') END;
