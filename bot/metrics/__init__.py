"""What Prometheus reads of Tandem itself: counts of this process, and what waits in the ledger, the same from any."""
