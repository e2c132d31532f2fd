"""The portal as a target: its definitions are read and completed, its records read, written and associated."""
