{{ staged('ar_aging', snapshots=true) }}
