{{ staged('claim_stage_breakdown') }}
