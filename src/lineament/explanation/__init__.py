"""Explanation (chapter 4): where and how a classifier's decision flips, and proof that it is the classifier's."""
