"""Do 16-bit sums of an int8 network saturate? Counted in numpy, exactly, for every layer.

On x86-64 without VNNI the kernels of ONNX Runtime (and of others: the instruction is vpmaddubsw)
multiply unsigned activations with signed weights and add each two neighbouring products in 16 bits,
where a sum beyond -32768 to 32767 is cut off. Which two: the weights of an output channel lie in
the order (kernel row, kernel column, input channel), input channels of one group; the first two
are a pair, the next two, and so on; an odd last one stands alone. Padding counts as the zero point.
A convolution with one input and one output channel a group (depthwise) has kernels of its own that
add in 32 bits."""
