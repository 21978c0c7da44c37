"""The interfaces: of the library, and of an engine plug-in."""
