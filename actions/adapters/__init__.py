"""The only modules that import the SDK of the outside thing that they speak to."""
