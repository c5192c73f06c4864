"""A recording: the kernel along somebody's own training loop, on probe points, in one npz; and what is said of it.

`watch` is called in the loop and writes the file, by the `kernels` of JAX or the `torch_kernels` of PyTorch. `file`
reads and checks one; the `job`s say of its checkpoints what `probes` says, as of those of a run, in the `result`s that
pages show.

Needs JAX: `job`, `kernels`, `targets`, `torch_kernels`, `watch`.
"""
