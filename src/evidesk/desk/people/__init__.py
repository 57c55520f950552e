"""Log-in, units, members, and access tokens."""
