"""Counts which 16-bit sums of an int8 network saturate, exactly, for every layer, in numpy.

On x86-64 without VNNI, the kernels of ONNX Runtime (and of others: the instruction is vpmaddubsw)
multiply unsigned activations with signed weights and add each two neighbouring products in 16 bits;
a sum outside -32768 to 32767 saturates. The weights of an output channel are ordered by (kernel
row, kernel column, input channel of the group); the first two form a pair, then the next two, and
so on; an odd last one stands alone. Padding counts as the zero point. Depthwise convolutions (one
input and one output channel a group) have kernels of their own that add in 32 bits."""
