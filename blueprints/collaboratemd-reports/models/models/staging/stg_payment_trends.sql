{{ staged('payment_trends') }}
