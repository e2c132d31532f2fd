{{ staged('revenue_recognition') }}
