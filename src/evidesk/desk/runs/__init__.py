"""Running kits and receiving evidence."""
