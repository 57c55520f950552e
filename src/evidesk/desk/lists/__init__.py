"""Finding vouchers: full text, filters, saved views, steps for many at once, exports."""
