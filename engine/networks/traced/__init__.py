"""The empirical kernel of any `apply(params, x)`: one example is traced, and its products are read from the program.

`reading` finds where a leaf of the parameters meets data in a product (`products`, through the `views` that a leaf is
seen by), and from which no signal comes back (`program`). `signals` runs the program so that inputs and backpropagated
signals of these products come out, and Jacobians of all other leaves. `units` makes Grams of them, which `kernel` sums.
`checks` refuses what has no kernel example by example; `extremes` mends derivatives of maxima, which JAX may get wrong.

Needs JAX: `checks`, `extremes`, `kernel`, `products`, `program`, `reading`, `signals`, `units`, `views`.
"""
