"""The pure core: topology, snapshots, findings, plans, the one loop that acts, errors. No I/O here."""
