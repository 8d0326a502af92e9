"""The HTTP service: enrol, verify and watch over the network, closed to whatever it does not know."""
