{{ staged('ar_aging') }}
