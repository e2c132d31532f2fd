{{ staged('gross_billing') }}
