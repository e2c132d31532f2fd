-- The text forms in which values travel. Each `wire_*` gives NULL for an empty value and for one that cannot be read;
-- whether it could not is told by comparing with `blank`.

-- Almost no value begins with a blank, and then it need not be trimmed: all blanks but the no-break space sort before "!".
create macro blank(x) as
    case when x is null then true
         when cast(x as varchar) >= '!' and not starts_with(cast(x as varchar), chr(160)) then false
         else trim(cast(x as varchar), e' \t\n\r' || chr(160)) = '' end;

create macro wire_string(x) as case when blank(x) then null else cast(x as varchar) end;

-- One spelling for one number: no sign or zero too many.
create macro plain_decimal(t) as
    case when regexp_full_match(t, '0|-?[1-9]\d*') then t
         when regexp_full_match(t, '[+-]?(\d+\.?\d*|\.\d+)')
         then regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
                  t, '^\+', ''), '^(-?)0+(\d)', '\1\2'), '^(-?)\.', '\10.'), '(\.\d*?)0+$', '\1'), '\.$', ''), '^-0$', '0') end;

create macro wire_number(x) as
    coalesce(
        plain_decimal(trim(cast(x as varchar))),
        case when isfinite(try_cast(trim(cast(x as varchar)) as double))
                  and not regexp_matches(cast(x as varchar), '[[:space:]_]')
             then plain_decimal(format('{:.15f}', try_cast(trim(cast(x as varchar)) as double))) end
    );

create macro wire_bool(x, yes, no) as
    case when lower(trim(cast(x as varchar))) in ('true', 't', 'yes', 'y', '1') then yes
         when lower(trim(cast(x as varchar))) in ('false', 'f', 'no', 'n', '0') then no end;

create macro iso_day(d) as case when year(d) between 1000 and 9999 then strftime(d, '%Y-%m-%d') end;

create macro text_day(t) as
    iso_day(case when regexp_full_match(trim(t), '\d{4}-\d{2}-\d{2}([T ].*)?') then try_cast(trim(t)[1:10] as date) end);

-- Former answers may hold a date as milliseconds since 1970, at midnight UTC.
create macro read_day(t) as
    coalesce(text_day(t), case when regexp_full_match(t, '-?\d{5,14}') then iso_day(cast(epoch_ms(cast(t as bigint)) as date)) end, t);

create macro iso_moment(moment, pattern) as
    case when year(timezone('UTC', moment)) between 1000 and 9999 then strftime(timezone('UTC', moment), pattern) end;

create macro text_moment(t, zone, pattern) as
    iso_moment(case when regexp_full_match(trim(t), '.*(Z|z|[+-]\d{2}(:?\d{2})?)') and regexp_matches(t, '\d[T ]\d')
                    then try_cast(trim(t) as timestamptz)
                    when regexp_matches(trim(t), '^\d{4}-\d{2}-\d{2}') then timezone(zone, try_cast(trim(t) as timestamp)) end, pattern);

create macro read_moment(t, pattern) as
    coalesce(text_moment(t, 'UTC', pattern),
             case when regexp_full_match(t, '-?\d{5,15}') then iso_moment(timezone('UTC', epoch_ms(cast(t as bigint))), pattern) end, t);

create macro ordered_options(t, separator) as
    nullif(array_to_string(list_sort(list_distinct(list_filter(list_transform(string_split(t, separator), lambda o: trim(o)), lambda o: o <> ''))), separator), '');

-- Fingerprint recipe 1: each value framed by its length, so that no two rows spell the same text. `framed` gives the frame that
-- goes before the value; concat passes over the value that is not there.
create macro framed(t) as coalesce(strlen(t) || ':', '~');
create macro fingerprint(t) as cast(cast(md5_number_lower(t) as hugeint) - 9223372036854775808 as bigint);

-- What two values of one property are compared by: `likeness` is 'mail', 'phone' or NULL.
create macro comparable(x, likeness) as nullif(case when likeness = 'mail' then lower(trim(x, e' \t\n\r')) else trim(x, e' \t\n\r') end, '');

-- The same where a phone number's way of writing does not count: its digits, less the country code of North America.
create macro loosely(x, likeness) as
    case when likeness = 'phone' and regexp_matches(x, '\d') and not regexp_matches(x, '[[:alpha:]]')
         then regexp_replace(regexp_replace(x, '\D', '', 'g'), '^1(\d{10})$', '\1')
         else comparable(x, likeness) end;
