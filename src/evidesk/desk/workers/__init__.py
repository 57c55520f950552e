"""The processes that do background work: who is alive, and what the dead left behind."""
