"""Authentication by attributes: whether people can be told apart, and why one is refused."""
