{{ staged('denial_trends') }}
