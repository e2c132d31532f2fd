{{ staged('rcm_productivity') }}
