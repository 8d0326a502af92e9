"""What runs where and for how long: the figures of the phone (sections 2.3.11 and 2.4.5)."""
