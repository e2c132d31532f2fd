"""A report's CSV files: how they are laid out, what their columns are, and every cell of them."""
