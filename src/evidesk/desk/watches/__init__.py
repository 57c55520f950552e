"""Watching a stream of batches against a file of a voucher, also after the voucher is closed."""
