"""Sample data sets: package, version, digest, licence; fetched on demand, never vendored."""
