"""The comparisons: each runs what it compares side by side, in one run, on the same machine."""
