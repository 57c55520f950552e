"""What people may know, take along and have erased, and what goes by itself after a time."""
