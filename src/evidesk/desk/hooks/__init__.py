"""Webhooks: programs elsewhere are told what happens to vouchers."""
