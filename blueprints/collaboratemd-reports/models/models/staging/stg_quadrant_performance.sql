{{ staged('quadrant_performance') }}
