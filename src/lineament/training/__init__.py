"""Training: one small kit for every model of the project."""
