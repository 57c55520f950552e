"""Log-in through an OpenID Connect provider, such as the Helmholtz AAI.

Authorization code with PKCE (S256), state and nonce. Authlib makes the requests; what comes back is
checked here, strictly. A log-in ends well, or in a :class:`~.faults.LogInFailed` that says why.
"""
