{#
    What the models stand on: each report's columns and their kinds. The one list of them. Names
    of people are not in it, so no model has them, but for the staff of the two reports about
    work.
#}
{% macro report_columns(report) %}
{{ return({
    'ar_aging': {
        'charge_id': 'text', 'claim_id': 'text', 'patient_id': 'text', 'facility_name': 'text', 'rendering_provider': 'text',
        'payer_name': 'text', 'payer_type': 'text', 'cpt_code': 'text', 'date_of_service': 'date', 'date_first_billed': 'date',
        'charge_amount': 'money', 'balance_due': 'money', 'balance_due_insurance': 'money', 'balance_due_patient': 'money',
        'balance_age_days': 'count', 'electronic_statements_sent': 'count', 'paper_statements_sent': 'count',
        'last_statement_date': 'date',
    },
    'gross_billing': {
        'charge_id': 'text', 'claim_id': 'text', 'patient_id': 'text', 'facility_name': 'text', 'rendering_provider': 'text',
        'primary_payer_name': 'text', 'service_type': 'text', 'cpt_code': 'text', 'cpt_description': 'text', 'units': 'count',
        'date_of_service': 'date', 'charge_entered_date': 'date', 'first_billed_date': 'date', 'charge_status': 'text',
        'charge_amount': 'money', 'allowed_amount': 'money', 'expected_amount': 'money', 'insurance_payments': 'money',
        'patient_payments': 'money', 'adjustments': 'money', 'charge_balance': 'money',
    },
    'charges_on_hold': {
        'charge_id': 'text', 'claim_id': 'text', 'patient_id': 'text', 'facility_name': 'text', 'rendering_provider': 'text',
        'payer_name': 'text', 'service_type': 'text', 'cpt_code': 'text', 'claim_status': 'text', 'hold_reason': 'text',
        'date_of_service': 'date', 'charge_entered_date': 'date', 'charge_amount': 'money',
    },
    'claim_stage_breakdown': {
        'claim_id': 'text', 'patient_id': 'text', 'payer_name': 'text', 'facility_name': 'text', 'claim_stage': 'text',
        'stage_entered_date': 'date', 'claim_created_date': 'date', 'claim_last_worked_date': 'date', 'claim_amount': 'money',
        'claim_balance': 'money', 'clearinghouse_rejected': 'text',
    },
    'denial_trends': {
        'denial_id': 'text', 'claim_id': 'text', 'charge_id': 'text', 'patient_id': 'text', 'payer_name': 'text',
        'facility_name': 'text', 'cpt_code': 'text', 'denial_date': 'date', 'denial_group_code': 'text',
        'denial_reason_code': 'text', 'denial_reason': 'text', 'charge_amount': 'money', 'denied_amount': 'money',
        'recovered_amount': 'money', 'appealed': 'text',
    },
    'payment_trends': {
        'payment_id': 'text', 'charge_id': 'text', 'patient_id': 'text', 'facility_name': 'text', 'payer_name': 'text',
        'payment_source': 'text', 'payment_type': 'text', 'payment_received_date': 'date',
        'payment_entered_date': 'date', 'payment_amount': 'money', 'applied_amount': 'money', 'unapplied_amount': 'money',
    },
    'quadrant_performance': {
        'rendering_provider': 'text', 'facility_name': 'text', 'month': 'date', 'encounters': 'count', 'work_rvus': 'number',
        'charges': 'money', 'payments': 'money', 'adjustments': 'money', 'new_patients': 'count',
    },
    'rcm_productivity': {
        'user_name': 'text', 'work_date': 'date', 'task': 'text', 'claims_worked': 'count', 'charges_entered': 'count',
        'payments_posted': 'count', 'amount_posted': 'money', 'hours_worked': 'number',
    },
    'user_time_spread': {
        'user_name': 'text', 'work_date': 'date', 'task': 'text', 'start_time': 'text', 'minutes': 'count', 'billable': 'text',
    },
    'write_off_trends': {
        'write_off_id': 'text', 'charge_id': 'text', 'patient_id': 'text', 'payer_name': 'text', 'facility_name': 'text',
        'write_off_date': 'date', 'write_off_reason': 'text', 'write_off_type': 'text', 'charge_amount': 'money',
        'write_off_amount': 'money',
    },
    'pdr3_calculator': {
        'patient_id': 'text', 'facility_name': 'text', 'level_of_care': 'text', 'admission_date': 'date',
        'discharge_date': 'date', 'payer_name': 'text', 'authorized_days': 'count', 'billed_days': 'count',
        'charge_amount': 'money',
    },
    'revenue_recognition': {
        'charge_id': 'text', 'patient_id': 'text', 'facility_name': 'text', 'payer_name': 'text', 'date_of_service': 'date',
        'posting_month': 'date', 'charge_amount': 'money', 'contractual_adjustment': 'money', 'insurance_payments': 'money',
        'patient_payments': 'money', 'write_offs': 'money', 'refunds': 'money', 'recognized_revenue': 'money',
        'collection': 'number',
    },
}[report]) }}
{% endmacro %}

{% macro report_names() %}
{{ return([
    'ar_aging', 'gross_billing', 'charges_on_hold', 'claim_stage_breakdown', 'denial_trends', 'payment_trends', 'quadrant_performance',
    'rcm_productivity', 'user_time_spread', 'write_off_trends', 'pdr3_calculator', 'revenue_recognition',
]) }}
{% endmacro %}

{#
    What a row of a report is of: its number, or what its sums are of. All together tell one row
    from the others. The first is the one that tells most.
#}
{% macro report_ids(report) %}
{{ return({
    'ar_aging': ['charge_id'], 'gross_billing': ['charge_id'], 'charges_on_hold': ['charge_id'], 'claim_stage_breakdown': ['claim_id'],
    'denial_trends': ['denial_id'], 'payment_trends': ['payment_id'], 'write_off_trends': ['write_off_id'],
    'pdr3_calculator': ['patient_id', 'admission_date'], 'revenue_recognition': ['charge_id', 'posting_month'],
    'quadrant_performance': ['rendering_provider', 'facility_name', 'month'],
    'rcm_productivity': ['user_name', 'work_date', 'task'],
    'user_time_spread': ['user_name', 'work_date', 'task', 'start_time'],
}[report]) }}
{% endmacro %}

{# The model that shows a report to analysts, and the name that an amount has there. #}
{% macro view_of(report) %}
{{ return(report ~ '_view' if report in ('ar_aging', 'gross_billing', 'payment_trends') else report) }}
{% endmacro %}

{% macro shown_as(report, column) %}
{{ return('total_amount' if report == 'charges_on_hold' else column) }}
{% endmacro %}

{% macro amounts_of(report) %}
{%- set found = [] -%}
{%- for name, kind in report_columns(report).items() if kind == 'money' -%} {%- do found.append(name) -%} {%- endfor -%}
{{ return(found) }}
{% endmacro %}
