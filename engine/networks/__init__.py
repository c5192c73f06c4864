"""Networks: parameters, activations, the empirical kernel, infinite width, and what floating point resolves.

The kernel of the fully connected network is `kernel`; that of any function is in `traced`; both add Grams up in `gram`,
and `empirical` chooses between them for `engine.ntk`. `layers` has the part of each layer; `followed` is the one that a
run follows. The settings of each kind are in its `..._config`, what they share in `layered`.

Needs JAX: `blocks`, `conv`, `convolution_lowering`, `empirical`, `followed`, `gram`, `kernel`, `layers`, `mlp`,
`model`, `precision`, `resnet`.
"""
