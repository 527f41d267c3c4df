"""A recipe for each model, and the one loop that trains them all."""
