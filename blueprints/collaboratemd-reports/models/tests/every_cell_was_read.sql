-- Cells that hold something else than their column should: they are NULL in the views and in no
-- total.
{{ config(severity='warn') }}
select * from {{ ref('unparsed_values') }}
