"""The path of reproducing kernel Hilbert spaces: H_t, of the kernel K_t, against H_0 (theory.md 5).

`requests` and `result` import no JAX. Numerics: `gram` decides what of a kernel matrix can be inverted and flags every
number that needs it; `norms`, `inclusion`, `frontier` and `growth` compare spaces; `bias` describes a spectrum;
`regression` and `learning_curve` generalise; `large` finds the top of a spectrum without its matrix. Of a run: `points`
says where, `stored` gives the kernels, `comparison` and `enlargement` gather what is said, `along` follows a seed and
`job` all of them.
"""
