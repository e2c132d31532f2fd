{{ staged('pdr3_calculator') }}
