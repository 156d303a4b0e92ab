"""What runs inside of pods: each file is a program by itself, started by its path."""
