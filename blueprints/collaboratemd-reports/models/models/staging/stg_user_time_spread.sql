{{ staged('user_time_spread') }}
