{#
    dbt's own view for PostgreSQL is made anew beside the former one, which is then dropped with
    everything that stands on it: an analyst's own view would be gone. This one is replaced in
    place, so that whoever reads finds it at every moment; and one that would be the same is
    left alone, so that a build waits for nobody's long query. Only where columns were renamed,
    retyped or removed must a view go first: in one transaction with those of this project that
    stand on it (they are made again further on), and never if anything else does.
#}
{% materialization view, adapter='postgres' -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set existing = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if config.get('contract').enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif %}
    {% call statement('main') -%}
        {%- if existing is not none and not existing.is_view %} drop {{ existing.type }} {{ existing }}; {% endif %}
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
    former constant regclass := to_regclass('{{ relation }}');
    candidate constant text := 'careloom_view_' || pg_backend_pid();
    wanted constant text := $view${{ sql }}$view$;
    own text;
    same boolean := false;
begin
    if former is not null then
        execute format('create temp view %I as %s', candidate, wanted);
        same := pg_get_viewdef(format('pg_temp.%I', candidate)::regclass) = pg_get_viewdef(former)
            and {{ shape_of("format('pg_temp.%I', candidate)::regclass") }} = {{ shape_of('former') }};
        execute format('drop view pg_temp.%I', candidate);
    end if;
    if not same then
        execute 'create or replace view {{ relation }} as ' || wanted;
    end if;
exception when invalid_table_definition then
    with recursive above (id) as (
        select former::oid
        union
        select r.ev_class
        from above a
        join pg_depend d on d.refobjid = a.id and d.refclassid = 'pg_class'::regclass and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid
    )
    select string_agg(format('%I.%I', n.nspname, c.relname), ', ') into own
    from above
    join pg_class c on c.oid = above.id and c.relkind = 'v'
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname || '.' || c.relname in ({{ own_models() }});
    begin
        execute 'drop view ' || own;
    exception when dependent_objects_still_exist then
        raise exception 'the columns of % change, and something of yours stands on it or on a view above it', former
            using hint = 'drop that view, build the models, and make it again';
    end;
    execute 'create view {{ relation }} as ' || wanted;
end
$careloom$;
{%- endmacro %}

{% macro shape_of(view) -%}
    (select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) from pg_attribute
     where attrelid = {{ view }} and attnum > 0)
{%- endmacro %}

{# The models of this project as SCHEMA.NAME literals. #}
{% macro own_models() -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        '{{ node.schema }}.{{ node.alias or node.name }}'{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
