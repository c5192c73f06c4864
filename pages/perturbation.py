"""Perturbation: how far the frozen kernel carries, and what each order in Delta K_t = K_t - K_0 adds."""

from engine import jobs
from pages.run import asking, controls, draft_state
from pages.run.picker import links
from pages.run.settings import draft_of
from pages.shell import view
from pages.shell.answer import ask
from pages.views import expansion, map_cell, recorded, study

# A visitor without a run starts where the expansion is sharp: a smooth activation, along the flow itself.
START = {
    "data": {"name": "circle", "size": 32, "test_size": 128, "frequencies": [1, 3], "amplitudes": [1.0, 0.5]},
    "network": {"depth": 3, "width": 128, "activation": "erf", "centred": True},
    "training": {"integrator": "rk4", "stability_fraction": 0.25, "stop_residual": 0.1, "checkpoints": 64},
    "seeds": [0, 1, 2],
}

ask(
    "Perturbation",
    r"How far does the frozen kernel $K_0$ carry, and what does each order in $\Delta K_t = K_t - K_0$ add?",
    r"The residual's $r' = -K_t r$ is expanded in $\Delta K_t$: order 0 is lazy training, each further order lets the "
    "drift act once more.",
)
if recorded.asked():
    recorded.page_of_perturbation()
else:
    asked = controls.show(draft_of(START)[0])
    map_cell.way_back()
    if asked.config is not None:
        links("perturbation")
    tabs = view.tabs("tab", {"run": "One run", "study": "Study"})
    if asked.config is None:
        asking.show(asked)
    else:
        for name, body in (("run", expansion.page), ("study", study.page)):
            if tabs[name].open:
                with tabs[name]:
                    body(asked.config, asked.bar)
        draft_state.write_url(jobs.key("run", asked.config))
