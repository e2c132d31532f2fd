"""Change events to a Redis stream."""
