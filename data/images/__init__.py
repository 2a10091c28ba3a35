"""Image sets in memory."""
