{#
    dbt's own view for PostgreSQL makes the view anew and drops the former one with all that
    stands on it: an analyst's own view would be gone. This one replaces it in place, so that
    whoever reads finds it at every moment. Only where columns were renamed, retyped or removed
    must it go first; then, in the same transaction, and never if somebody else's view stands on
    it.
#}
{% materialization view, adapter='postgres' -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement('main') -%}
        {%- if existing is not none and not existing.is_view %} drop table {{ existing }}; {% endif %}
        {{ replaced_in_place(target_relation, sql) }}
    {%- endcall %}

    {% do apply_grants(target_relation, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=True)) %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{% macro replaced_in_place(relation, sql) -%}
do $careloom$
declare
    stands_on_it text;
begin
    execute $view$create or replace view {{ relation }} as (
        {{ sql }}
    )$view$;
exception when invalid_table_definition then
    with recursive above (id) as (
        select '{{ relation }}'::regclass::oid
        union
        select r.ev_class
        from above a
        join pg_depend d on d.refobjid = a.id and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid
    )
    select string_agg(n.nspname || '.' || c.relname, ', ') into stands_on_it
    from above join pg_class c on c.oid = above.id join pg_namespace n on n.oid = c.relnamespace
    where n.nspname || '.' || c.relname not in ({{ own_relations() }});
    if stands_on_it is not null then
        raise exception 'the columns of {{ relation }} change, and % stands on it: drop that view, build, and make it again', stands_on_it;
    end if;
    drop view {{ relation }} cascade;
    execute $view$create view {{ relation }} as (
        {{ sql }}
    )$view$;
end
$careloom$;
{%- endmacro %}

{#
    The models of this project as SCHEMA.NAME literals; those that go with a view that changes
    are built again in the same run.
#}
{% macro own_relations() -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        '{{ node.schema }}.{{ node.alias or node.name }}'{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
