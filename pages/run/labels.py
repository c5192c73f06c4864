"""Names of choices in the form: datasets, kinds of network, kernels. One that is missing goes by its own name."""

DATASET_LABELS = {
    "circle": "circle: waves on S¹",
    "sphere": "sphere: single- and multi-index",
    "gaussian_product": "Gaussian: product x₀x₁",
    "parity": "sparse parity",
    "two_moons": "two moons",
    "point": "one point",
    "digits": "handwritten digits (8×8)",
    "breast_cancer": "breast cancer: 30 measurements",
    "wine": "wine: 13 measurements",
    "diabetes": "diabetes: a regression on 10",
    "mnist": "MNIST: 5,000 digits (28×28)",
    "file": "your own file of points",
    "csv": "your own CSV",
}


NETWORK_LABELS = {
    "mlp": "fully connected",
    "resnet": "residual: dense blocks",
    "conv": "convolutional: images",
    "module": "a module of one's own",
}
KERNELS = {
    "ntk": "neural tangent",
    "conjugate": "conjugate",
    "infinite_ntk": "neural tangent, n = ∞",
    "infinite_nngp": "NNGP, n = ∞",
}
