"""Faces: find them, align them by their eyes, cut out their parts, and say what is wrong with a picture."""
