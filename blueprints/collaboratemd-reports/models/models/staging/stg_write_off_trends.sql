{{ staged('write_off_trends') }}
