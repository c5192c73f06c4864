"""Evolution: train a network and watch its kernel move."""

from engine.training.result import RunResult
from pages.run import asking, controls
from pages.run.picker import links
from pages.shell.answer import ask
from pages.views import evolution, hold, map_cell, recorded

ask(
    "Evolution",
    "How far does the kernel $K_t$ of a network of finite width move while it trains, and towards what?",
    "Set up a network and its data on the left, train it, and see its spectrum, its kernel and what it learns, moving.",
)
if recorded.asked():
    recorded.page_of_run()
else:
    asked = controls.show()
    map_cell.way_back()
    arrays = asking.show(asked, map_cell.show)
    if arrays is None:
        hold.waiting(asked.config)
    else:
        result = RunResult.from_arrays(dict(arrays))
        with hold.beside(evolution.present(result)):
            evolution.say_answer(result)
        links("evolution")
        evolution.full(result, arrays)
