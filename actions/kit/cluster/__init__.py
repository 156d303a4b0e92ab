"""Redis Cluster: what its nodes say of it, what that adds up to, what it proves. No I/O here."""
