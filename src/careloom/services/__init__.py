"""The use-cases: plan, apply, review, explain, check up. They know no vendor, and hold all that touches the world."""
