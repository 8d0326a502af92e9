"""The dissertation's tables measured anew on the user's own copies of the data, the printed values beside."""
