"""How dates are written and read, by language, where that differs from Django's own."""
