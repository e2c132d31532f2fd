-- The diagnoses of a line that do not count go, each as a reason, from `diagnosis_codes` to `uncounted_diagnoses`: those that a chart
-- review took back, and those of kinds that are not in the row of `rules`.
with lines as (
  select
    filtered.*,
    [case
      when list_contains(coalesce(taken_back, []), code) then 'chart-review-delete'
      when not list_contains(rules.kinds, coalesce(diagnosis_kinds[place], 'other')) then diagnosis_kinds[place]
      else ''
    end for code, place in coalesce(diagnosis_codes, [])] as against
  from filtered
  cross join rules
)
select
  lines.* exclude (against, taken_back, by_voice, ended) replace (
    [code for code, place in diagnosis_codes if against[place] = ''] as diagnosis_codes,
    [kind for kind, place in diagnosis_kinds if against[place] = ''] as diagnosis_kinds,
    list_concat(coalesce(uncounted_diagnoses, []), [reason for reason in against if reason <> '']) as uncounted_diagnoses
  )
from lines
