"""The pure core: values in, values out; no clock, files, network or logging."""
