"""Inquiries and vouchers: document, workflow, timeline."""
