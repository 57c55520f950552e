"""What every endpoint of the HTTP API shares: tokens, problems, pages, ETags, idempotency."""
