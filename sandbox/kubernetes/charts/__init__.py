"""What people install in a cluster: the Bitnami charts of Redis in their three shapes, and an application."""
