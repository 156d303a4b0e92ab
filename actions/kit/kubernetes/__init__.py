"""Redis on Kubernetes: what is seen of it, what that proves, and the steps that only exist there. No I/O here."""
