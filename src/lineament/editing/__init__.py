"""Attribute editing (chapter 3): Swap, Diverse Swap and Borrow, and the networks that learn them."""
