"""Faults on real servers, and the verdict that each must get."""
