"""Networks as packages of Apple's Core ML, written by coremltools' builder, which is no dependency
of this project, and read back by numpy."""
