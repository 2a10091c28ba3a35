"""Files, local or on a bucket: reading, caching, record formats."""
