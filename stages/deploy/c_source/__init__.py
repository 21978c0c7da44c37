"""A packed network and the steps around it as C99 source, without allocation.

graph.py reads the network for one window and folds what does not depend on it; lowering.py and the
operators turn its nodes into calls of kernels; memory.py plans the buffers; writer.py and steps.py
write the files from the templates."""
