"""Engine plug-ins."""
