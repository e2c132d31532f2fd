"""A project opened to work with: its settings, its environment, its store and systems, and how its work shows progress."""
