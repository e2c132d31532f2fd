{{ staged('charges_on_hold') }}
