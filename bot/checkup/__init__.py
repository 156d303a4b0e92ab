"""``tandem doctor``: whether everything that a run will need is there, found out without changing anything.

What cannot be found out is said to be so: silence is no health here either.
"""
