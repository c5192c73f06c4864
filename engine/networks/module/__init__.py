"""A network of one's own: `package.module:Name`, of flax linen, flax nnx, or a pair of functions.

`source_files` finds what it is made of without running it, so that `config` can say which network a result is of;
`listed` says which may run on a server. `loading` runs it, in the process that computes, and `adapters` gives each of
the three sorts the same two functions.

Needs JAX: `adapters`, `loading`, `network`.
"""
