"""The kit for a connector of one's own: a package that works as it is written."""
