"""Amazon ElastiCache: what AWS says of a replication group, and the failover in the ways that AWS allows."""
