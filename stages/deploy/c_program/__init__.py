"""Programs and libraries of C that hold a package: the C library of `runtime/native/` with the
network compiled in (`c_source/`), and the rest of the package as files or inside the program."""
