"""Files: written atomically, with checksums, in the cache folder."""
