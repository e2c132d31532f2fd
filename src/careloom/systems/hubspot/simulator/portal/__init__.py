"""What the simulated portal remembers, and the rules by which it changes."""
