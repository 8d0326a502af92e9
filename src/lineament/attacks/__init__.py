"""Attacks: what an adversary does to an image so that a classifier gets it wrong, under a stated budget."""
