"""The settings of a run, one row each, for widgets and URLs; their texts, and these as a config. No Streamlit here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from engine.config import RunConfig, TrainingConfig
from engine.data import DATASETS, TARGETS
from engine.networks.activations import ACTIVATIONS
from engine.networks.kinds import NETWORKS
from engine.networks.module.listed import listed
from engine.problems import clipped
from engine.schema import Config, ConfigError, Problem
from pages.run.labels import DATASET_LABELS, KERNELS, NETWORK_LABELS
from pages.shell.texts import Kind, draft_text, text_of, value_of

Draft = Mapping[str, str]
"""Name of a setting -> its text (`config_of`)."""

ORDERED = ("harmonic", "hermite", "staircase", "parity", "sign", "abs_sin")
"""Targets with an order."""


@dataclass(frozen=True)
class Setting:
    """One field of a config and how it is asked for.

    Attributes:
        path: in the config, as the engine's problems name it.
        label: in words and letters, which screen readers say as they stand.
        help: Markdown with LaTeX.
        rare: whether it stands in the folded part.
        alias: its name in drafts and URLs, where the last part of the path is not; `name` gives either.
        only_with: the targets that heed it; empty for all.
    """

    path: str
    label: str
    kind: Kind = "number"
    help: str = ""
    rare: bool = False
    alias: str = ""
    only_with: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.alias or self.path.rsplit(".", 1)[-1]

    @property
    def section(self) -> str:
        return self.path.split(".")[0] if "." in self.path else "run"


SETTINGS = (
    Setting("data.name", "dataset", "choice", alias="data"),
    Setting("data.content", "table", "text"),
    Setting("data.source", "file", "settings"),
    Setting("data.size", "training points M"),
    Setting("data.test_size", "held-out points"),
    Setting("data.target", "target", "choice",
        "The function to learn, scaled to the target RMS on the training points."),
    Setting("data.inputs", "inputs", "names",
        "Columns; when empty, all others of numbers that do not count the rows."),
    Setting("data.missing", "rows with empty cells", "choice",
        "`refuse` names them; `drop` leaves them out and says which."),
    Setting("data.value", "target y", help="Of the point, and of the held-out ones. At 0 the start is unlearned."),
    Setting("data.dim", "input dimension n₀"),
    Setting("data.order", "order", help="Degree, number of coordinates or frequency.", only_with=ORDERED),
    Setting("data.frequencies", "frequencies", "numbers",
        "Of the Fourier mixture, separated by commas; `1-3` is 1, 2, 3.", only_with=("fourier",)),
    Setting("data.amplitudes", "amplitudes", "numbers",
        "One per frequency; all 1 when empty.", only_with=("fourier",)),
    Setting("data.classes", "two classes", "numbers",
        "The first has target -1, the second +1. `none`, or an empty list: all, one output for each of three or more."),
    Setting("data.jitter", "jitter", help="Standard deviation of the noise on each coordinate, before scaling."),
    Setting("data.phases", "phases", "numbers",
        "In radians, one per frequency; all 0 when empty.", rare=True, only_with=("fourier",)),
    Setting("data.points", "points", "choice",
        "`grid`: equally spaced. `random`: independent and uniform, training and held-out ones.", rare=True),
    Setting("data.density", "density a", help=(
        r"$(1 + a\cos\theta)/2\pi$, of training and held-out points. 0: uniform."), rare=True),
    Setting("data.scaling", "scaling of inputs", "choice",
        "`feature`: each to mean 0 and standard deviation 1 over the training points. `common`: each to mean 0, all "
        r"divided by one number: mean $|x|^2 = n_0$. `none`: as they are.", rare=True),
    Setting("data.standardise", "standardise inputs", "flag",
        "Mean 0 and standard deviation 1 of each column over the training rows. Off: the table as it is.", rare=True),
    Setting("data.centre", "centre targets", "flag",
        "Take the mean over the training rows off: a network without biases cannot learn it well.", rare=True),
    Setting("data.radius", "radius", help=r"$|x|$; $\sqrt{n_0}$ when empty.", rare=True),
    Setting("data.noise", "label noise", help="Standard deviation added to the training targets.", rare=True),
    Setting("data.target_rms", "target RMS",
        help="Targets are scaled to it on the training points. `none`: not scaled.", rare=True),
    Setting("data.seed", "data seed", alias="data_seed", rare=True),
    Setting("network.kind", "network", "choice", alias="network"),
    Setting("network.name", "module", "choice",
        "A network of one's own, of flax or plain JAX: those that the operator of this server lists in "
        "`KERNEL_DRIFT_MODULES`. On the command line any `package.module:Name`.", alias="module"),
    Setting("network.arguments", "arguments", "settings",
        "Numbers, texts, true and false that it is called with, such as `{width: 32, norm: layer}`."),
    Setting("network.counted_depth", "hidden layers, as you count them", help=(
        r"For the measured $\beta$, that of a fully connected network of as many. Empty: not determined."), rare=True),
    Setting("network.sources", "sources", "settings", rare=True),
    Setting("network.versions", "versions", "settings", rare=True),
    Setting("network.width", "width n", "one or more",
        "One number, one per hidden layer (`256, 128, 64`), or a pattern over layers k: `16 k^2` is 16, 64, 144, ... "
        "Of convolutions their channels."),
    Setting("network.depth", "hidden layers L",
        help="A network of 3 hidden layers has 4 layers of weights: the last is the readout."),
    Setting("network.branch_scale", "branch scale s", "choice",
        r"$a_l = a_{l-1} + s F_l(a_{l-1})$: by $1/\sqrt L$ the signal keeps its size through depth."),
    Setting("network.stride", "stride", "one or more", "One number, or one per convolution: `1, 2, 2`."),
    Setting("network.pooling", "pooling", "choice", "`average`: over positions. `flatten`: the readout sees them all."),
    Setting("network.norm", "normalisation", "choice",
        "`layer`: of each example over positions and channels, with a trained gain and shift."),
    Setting("network.activation", "activation", "choice"),
    Setting("network.alpha", "output scale α",
        help=r"$f = \alpha (h - h_0)$ when centred, $\alpha h$ otherwise. Small: features move; large: lazy."),
    Setting("network.alpha_exponent", "exponent s of α",
        help=r"$\alpha n_L^{-s/2}$ in place of $\alpha$, $n_L$ the last hidden width, or the channels. 0: the NTK. 1: "
            "mean field, muP.",
        rare=True),
    Setting("network.padding", "padding", "choice",
        "`zero`, or `circular`: what leaves on one side enters on the other.", rare=True),
    Setting("network.shape", "shape of an image", "numbers",
        "Height, width, channels. Of inputs that are flat it must be given; else that of the data.", rare=True),
    Setting("network.parameterization", "parameterization", "choice",
        "NTK or standard; both give the same function at initialisation.", rare=True),
    Setting("network.sigma_w", "weight scale σ_w",
        help="`critical` keeps a small signal's size through depth.", rare=True),
    Setting("network.sigma_w_readout", "readout scale σ_w", help=r"As $\sigma_w$ when empty.", rare=True),
    Setting("network.sigma_b", "bias scale σ_b", rare=True),
    Setting("network.bias_init", "biases start", "choice", rare=True),
    Setting("network.train", "layers that train", "choice",
        "`readout`: it alone; its kernel, the conjugate kernel, stays. `hidden`: all but the readout.", rare=True),
    Setting("network.train_bias", "train biases", "flag", rare=True),
    Setting("network.output_bias", "output bias", "flag", rare=True),
    Setting("network.readout", "readout", "choice", "`relu`: the output passes through a ReLU.", rare=True),
    Setting("network.centred", "centred", "flag",
        "Subtract the function at initialisation, so that $f_0 = 0$.", rare=True),
    Setting("training.integrator", "integrator", "choice",
        "`gd`: gradient descent. `rk4`: the gradient flow, by Runge-Kutta."),
    Setting("training.stability_fraction", "step φ",
        help=r"$\eta_\mathrm{eff} = 2\varphi/\lambda_{\max}(K_0)$. Empty: from the learning rate, or 0.25. "
            r"$\lambda_{\max}$ stands times the loss's curvature (logistic: at most 1/4, 1/2 with several outputs) "
            "plus what weight decay adds."),
    Setting("training.stop_residual", "stop at residual",
        help=r"Stop when $\|r\|/\|r_0\|$ has fallen so far, $r=\partial\ell/\partial f$. `none`: run to the step cap."),
    Setting("training.max_steps", "step cap"),
    Setting("training.learning_rate", "learning rate η", help=r"Instead of the step $\varphi$.", rare=True),
    Setting("training.loss", "loss", "choice",
        r"$\frac{1}{2M}\sum$, $\frac{1}{M}\sum$ or $\frac{1}{2}\sum$ of $|f-y|^2$. Of classes, the mean of: "
            r"`logistic`, $\log(1+e^{-yf})$ or softmax; `squared_hinge`, $\max(0,1-yf)^2/2$; `hinge`, "
            r"$\max(0,1-yf)$, each class against all others. Perturbation and maps take squared ones only.", rare=True),
    Setting("training.weight_decay", "weight decay λ",
        help=r"Adds $\frac{\lambda}{2}|\theta|^2$ to the loss, over what trains; in the NTK parameterization too "
            r"$\theta$ are the raw parameters. Perturbation and maps take 0 only.", rare=True),
    Setting("training.momentum", "momentum", rare=True),
    Setting("training.batch_size", "batch size", help="Points per step; all when empty.", rare=True),
    Setting("training.checkpoints", "checkpoints", help="At least so many by the stop.", rare=True),
    Setting("training.allow_unstable", "allow unstable steps", "flag",
        "Accept steps at or beyond the stability limit.", rare=True),
    Setting("training.precision", "training precision", "choice",
        "auto: float32, and float64 where float32 does not resolve the run.", rare=True),
    Setting("seeds", "seeds", "numbers", "One network each, separated by commas; `0-3` is 0, 1, 2, 3."),
    Setting("kernel", "kernel followed", "choice",
        "Which kernel of the network $K_t$ is. Conjugate: of the readout's weights alone. At infinite width it does "
        "not move. The network trains alike; step and stability are those of the neural tangent kernel."),
    Setting("store_parameters", "keep parameters", "flag",
        "Later pages derive kernels on other points from them.", rare=True),
    Setting("kernel_precision", "kernel precision", "choice", rare=True),
    Setting("probes", "probe points", "settings",
        "Points other than the data, where kernel and function are followed too: the training inputs of a dataset, for "
        "example `{name: circle, size: 32}`. None when empty.", rare=True),
)  # fmt: skip
"""In the order of a page."""

BY_NAME = {setting.name: setting for setting in SETTINGS}
BY_PATH = {setting.path: setting for setting in SETTINGS}
NOT_IN_URL = ("content",)
UPLOADED = ("content", "source")
"""Settings that no widget of their own has: what comes in by upload."""


MLP = "mlp"
"""The kind of network where none is named."""
TELLING = ("data.name", "network.kind")
"""Settings that say which others of their section there are."""


def applicable(dataset: str, network: str = MLP) -> tuple[Setting, ...]:
    """The settings that a run of this kind of network on this dataset has; of a section whose name or kind is unknown
    that alone."""
    fields = {
        "data": DATASETS[dataset].model_fields if dataset in DATASETS else (),
        "network": NETWORKS[network].model_fields if network in NETWORKS else (),
    }
    return tuple(
        s for s in SETTINGS if s.section not in fields or s.path in TELLING or s.path.split(".")[1] in fields[s.section]
    )


def applicable_to(draft: Draft) -> tuple[Setting, ...]:
    """The settings that the run of a draft has."""
    return applicable(draft.get("data", ""), draft.get("network") or MLP)


def in_effect(draft: Draft) -> tuple[Setting, ...]:
    """The applicable settings that the draft's target heeds: those that a page shows."""
    dataset = draft.get("data", "")
    if dataset not in DATASETS or "target" not in DATASETS[dataset].model_fields:
        return applicable_to(draft)
    target = draft.get("target") or default_text(BY_NAME["target"], dataset)
    known = target in TARGETS
    return tuple(s for s in applicable_to(draft) if not (known and s.only_with) or target in s.only_with)


NAMES = (("data.target", "csv"), ("data.classes", "csv"), ("data.classes", "file"))


def kind_of(setting: Setting, dataset: str) -> Kind:
    """The kind here: a CSV's target is the names of columns, the classes of a file or a CSV have names."""
    return "names" if (setting.path, dataset) in NAMES else setting.kind


def choices(setting: Setting, dataset: str, network: str = MLP) -> dict[str, str]:
    """What a choice or flag may be: text -> label."""
    if setting.kind == "flag":
        return {"true": "yes", "false": "no"}
    if setting.path == "data.name":
        return {name: DATASET_LABELS.get(name, name) for name in DATASETS}
    if setting.path == "network.kind":
        return {name: NETWORK_LABELS.get(name, name) for name in NETWORKS}
    if setting.path == "network.name":
        return {name: name for name in listed()}
    if setting.path == "network.activation":
        return {name: row.label for name, row in ACTIVATIONS.items()}
    if setting.path == "kernel":
        return dict(KERNELS)
    if setting.path == "data.target":
        config: Any = DATASETS[dataset]
        names = getattr(config, "targets", None) or get_args(config.model_fields["target"].annotation)
        return {name: name for name in TARGETS if name in names}
    return {name: name for name in get_args(_field(setting, dataset, network).annotation)}


def default_text(setting: Setting, dataset: str, network: str = MLP) -> str:
    """What the engine takes when the setting is left out, as a text; empty where that depends on others."""
    if setting.path in ("network.sigma_w", "network.sigma_w_readout"):
        return "critical" if setting.path == "network.sigma_w" else ""
    if setting.path == "data.name":
        return next(iter(DATASETS))
    if setting.path == "network.kind":
        return MLP
    field = _field(setting, dataset, network)
    if field.is_required() or field.default in (None, (), {}) or field.default_factory:
        return ""
    if dataset in ("csv", "file") and setting.name in ("size", "test_size"):
        return ""
    return text_of(field.default)


def _field(setting: Setting, dataset: str, network: str) -> Any:
    owners: dict[str, type[Config]] = {"training": TrainingConfig, "run": RunConfig}
    owners |= {"network": NETWORKS[network]} if network in NETWORKS else {}
    owner = DATASETS[dataset] if setting.section == "data" else owners[setting.section]
    return owner.model_fields[setting.path.rsplit(".", 1)[-1]]


# Settings as texts, and texts as a config.
#
# A draft is what stands in the widgets and in the URL: name of a setting -> its text, valid or not. A setting that a
# draft leaves out, or whose text is empty, takes the engine's default. The engine's config alone judges a draft.


def nested(draft: Draft) -> dict[str, Any]:
    """The draft as plain values for `RunConfig.from_dict`."""
    dataset = draft.get("data", "")
    values: dict[str, Any] = {"data": {}}
    for setting in applicable_to(draft):
        text = draft.get(setting.name, "")
        if not text.strip():
            continue
        within = values
        *parents, last = setting.path.split(".")
        for parent in parents:
            within = within.setdefault(parent, {})
        within[last] = value_of(text, kind_of(setting, dataset))
    return values


def config_of(draft: Draft) -> RunConfig:
    """The config that a draft describes. Raises `ConfigError`."""
    return RunConfig.from_dict(nested(draft))


def draft_of(values: object) -> tuple[dict[str, str], list[Problem]]:
    """A draft from plain values (a preset, a YAML file, an old run), and what in them is no setting at all."""
    if not isinstance(values, dict):
        return {}, [Problem("", "expected a mapping of settings")]
    draft, strange = {}, []
    data = values.get("data")
    dataset = str(data.get("name")) if isinstance(data, dict) else ""
    network = values.get("network")
    kind = str(network.get("kind") or MLP) if isinstance(network, dict) else MLP
    found = dataset in DATASETS and kind in NETWORKS
    known = {setting.path: setting for setting in applicable(dataset, kind)} if found else BY_PATH
    for path, value in _leaves(values):
        if path in known:
            draft[known[path].name] = draft_text(value, kind_of(known[path], dataset))
        else:
            strange.append(path)
    return draft, _unknown(values, strange)


def _unknown(values: dict, strange: list[str]) -> list[Problem]:
    """The engine's words for settings that no row of the table holds."""
    if not strange:
        return []
    try:
        RunConfig.from_dict(values)
    except ConfigError as error:
        if found := [
            problem for problem in error.problems if setting_at_fault(problem) is None or problem.field in strange
        ]:
            return found
    return list(ConfigError(Problem(clipped(path), "no such setting") for path in strange).problems)


def _leaves(values: Mapping[Any, Any], parent: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        path = f"{parent}{name}"
        if isinstance(value, dict) and not parent and path in ("data", "network", "training"):
            yield from _leaves(value, f"{path}.")
        else:
            yield path, value


def setting_at_fault(problem: Problem) -> Setting | None:
    """The setting that a problem of a run, or of what holds one, belongs to; None for one that belongs to none."""
    path = problem.field.removeprefix("run.")
    while path:
        if path in BY_PATH:
            return BY_PATH[path]
        path = path.rpartition(".")[0]
    return None
