"""A bundle: what is in it, that it is right, and that it says what is not in it."""

import io
import json
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from bibtex import parsed
from pretend_engine import SMALL, SMALL_QUERY
from taken import ROOT, alone, bundle_of, files, unpack

import engine as kd
from engine.config import RunConfig
from engine.cost import CalibrationConfig
from engine.jobs import KINDS
from engine.quantities import QUANTITIES, sources_of
from engine.texts import read
from pages.shell import bundle as bundles
from pages.shell.bundle import captions, data, named, readme
from pages.shell.figure import Figure
from pages.shell.held import Named
from pages.shell.recipe import CALLS, of_result
from pages.shell.shown import SHOWN, Shown

MADE: list[tuple[Shown, bytes]] = []


@pytest.fixture
def page(finished, opened, given) -> tuple[Shown, bytes]:
    """Evolution with a small run, and its bundle, made once."""
    if not MADE:
        app = opened("evolution", **SMALL_QUERY)
        assert not app.exception
        MADE.append((app.session_state[SHOWN], bundle_of(given)))
    return MADE[0]


def test_it_has_all_that_the_page_shows(page) -> None:
    shown, archive = page
    found = files(archive)
    assert [figure.name for figure in shown.figures] == ["evolution_0", "error", "drift", "alignment", "lambda_max"]
    names = [name for name, _ in named(shown.figures)]
    assert names == ["evolution-seed0", "error", "drift", "alignment", "lambda_max"]
    for name in names:
        assert found[f"figures/{name}.pdf"].startswith(b"%PDF-")
        assert ElementTree.fromstring(found[f"figures/{name}.svg"]).tag.endswith("svg")
        assert name in found["captions.md"].decode()
        assert name in found["README.txt"].decode()
    assert re.search(r"t = 0\.\d+ · step 40", found["figures/evolution-seed0.svg"].decode())  # the last frame
    config = RunConfig.from_dict(SMALL)
    assert RunConfig.from_dict(read(found["config.yaml"].decode())) == config
    assert config.hash[:16] in found["methods.tex"].decode()
    told = found["README.txt"].decode()
    assert [name for name in found if name.split("/")[0] not in told] == ["README.txt"]


def test_csv_parquet_and_the_table_of_the_figure_are_the_same(page) -> None:
    shown, archive = page
    found = files(archive)
    tables = 0
    for name, figure in named(shown.figures):
        for part, frame in data(figure):
            tables += 1
            csv = pd.read_csv(io.BytesIO(found[f"data/{name}{part}.csv"]))
            parquet = pd.read_parquet(io.BytesIO(found[f"data/{name}{part}.parquet"]))
            for column in map(str, frame.columns):
                for table in (csv, parquet):
                    if pd.api.types.is_numeric_dtype(frame[column]):
                        kept = table[column].to_numpy(frame[column].dtype)
                        np.testing.assert_array_equal(kept, frame[column].to_numpy())
                    else:
                        assert (
                            table[column].fillna("").astype(str).tolist()
                            == frame[column].fillna("").astype(str).tolist()
                        )
    assert tables > 10


def test_numbers_are_those_of_the_result(page, small_arrays) -> None:
    with np.load(io.BytesIO(files(page[1])["numbers/result.npz"]), allow_pickle=False) as kept:
        assert set(kept.files) == set(small_arrays)
        for name in kept.files:
            np.testing.assert_array_equal(kept[name], small_arrays[name])


def test_the_methods_say_what_was_used(page, small_arrays) -> None:
    """beta = 1/16 of one hidden layer of 16; eta_eff = eta/M by the loss half_mean, the median of both seeds."""
    said = files(page[1])["methods.tex"].decode()
    assert r"$\beta = \sum_l 1/n_l = 0.0625$" in said
    assert r"Loss $\frac{1}{2M}\sum_i |f(x_i) - y_i|^2$ over $M = 12$ points" in said
    assert r"$t = \eta_{\mathrm{eff}} \times$ step of gradient descent, $\eta_{\mathrm{eff}} = \eta/M$" in said
    rates = [seed["effective_rate"] for seed in json.loads(str(small_arrays["meta"]))["seeds"]]
    assert f"= {np.median(rates):.4g}" in said
    assert "jax" in said


def test_sources_are_those_of_what_is_shown(page) -> None:
    shown, archive = page
    quantities = {name for figure in shown.figures for name in figure.quantities}
    found, entries = files(archive), {one.key for one in sources_of(quantities)}
    assert set(parsed(found["sources.bib"].decode())) == entries >= {"jacot2018", "cohen2021", "cortes2012"}
    (cited,) = re.findall(r"\\citet\{(.*?)\}", found["methods.tex"].decode())
    assert set(cited.split(",")) == entries
    for name in quantities:
        assert QUANTITIES[name].label[1:] in found["captions.md"].decode()


def test_the_same_page_gives_the_same_bytes_but_for_pdf(page, finished) -> None:
    """svg2pdf numbers fonts in any order."""
    shown, archive = page
    config = RunConfig.from_dict(SMALL)
    again = files(bundles.bundle(shown, of_result(config, finished.lookup("run", config))))
    first = files(archive)
    assert list(first) == list(again)
    assert [name for name in first if first[name] != again[name] and not name.endswith(".pdf")] == []


def test_what_is_too_large_is_left_out_and_named(page, finished, monkeypatch) -> None:
    monkeypatch.setattr(bundles, "MOST_BYTES", 60_000)
    config = RunConfig.from_dict(SMALL)
    found = files(bundles.bundle(page[0], of_result(config, finished.lookup("run", config))))
    said = found["README.txt"].decode()
    assert "Left out, for the zip would be too large" in said
    left_out = re.findall(r"^- (\S+/\S+)$", said, re.M)
    assert left_out
    assert not set(left_out) & set(found)
    assert sum(map(len, found.values())) < 60_000 + len(said.encode())


def test_a_part_that_runs_again_takes_the_place_of_its_figures_only(finished, opened, given) -> None:
    app = opened("evolution", **SMALL_QUERY)
    before = [figure.name for figure in app.session_state[SHOWN].figures]
    next(one for one in app.segmented_control if one.label == "charts").set_value("all").run()
    after = [figure.name for figure in app.session_state[SHOWN].figures]
    assert after[0] == "evolution_0"
    assert len(after) > len(before)
    assert len(set(after)) == len(after)
    assert f"data/{after[-1]}.csv" in files(bundle_of(given))


def test_nothing_is_drawn_or_packed_before_the_click(finished, opened, given, monkeypatch) -> None:
    monkeypatch.setattr(bundles, "files", lambda *_: pytest.fail("made without a click"))
    assert not opened("evolution", **SMALL_QUERY).exception
    assert any(name.endswith(".zip") for name in given)


def test_every_kind_with_a_row_has_its_command_and_its_call_and_others_no_bundle(small_arrays) -> None:
    for kind, (command, call) in CALLS.items():
        assert kind in KINDS
        assert f"def {command}(" in (ROOT / "engine" / "__main__.py").read_text()
        assert re.match(r"kd\.(\w+)\(", call)[1] in kd.__all__
    assert of_result(CalibrationConfig(device="cpu"), small_arrays) is None


def test_names_of_files_are_safe_and_each_once() -> None:
    class Named:
        def __init__(self, name: str):
            self.name, self.file = name, ""

    figures = [Named(name) for name in ("../../etc/passwd", "a b", "A/b", "a b", "")]
    assert [name for name, _ in named(figures)] == ["etc-passwd", "a-b", "a-b-2", "a-b-3", "figure"]  # pyright: ignore


def test_captions_name_what_is_held_beneath_and_the_readme_what_is_computed_again(finished) -> None:
    own, held = (Figure("drift", "How far?", ("drift",), lambda: None, config=letter * 64) for letter in "ab")
    over = own.over([(Named("width 16", 0), held)])
    caption = captions([("drift", over)], own.config)
    assert f"Thin and dashed, held: width 16 (config {'b' * 16})." in caption
    assert caption.endswith(f"Config {'a' * 16}.\n")
    config = RunConfig.from_dict(SMALL)
    recipe = of_result(config, finished.lookup("run", config))
    assert recipe is not None
    assert "Held results" in readme(Shown("Evolution"), recipe, [("drift", over)], [], [])
    assert "Held results" not in readme(Shown("Evolution"), recipe, [("drift", own)], [], [])
    assert "held" not in captions([("drift", own)], own.config)


def test_a_page_that_says_nothing_gives_a_bundle_all_the_same(finished) -> None:
    config = RunConfig.from_dict(SMALL)
    found = files(bundles.bundle(Shown("Evolution"), of_result(config, finished.lookup("run", config))))
    assert {"config.yaml", "README.txt", "recompute.py", "numbers/result.npz"} <= set(found)


def test_what_is_drawn_at_once_is_computed_again_by_its_snippet(pretend, opened, given, tmp_path) -> None:
    """No network is trained: it takes a second or two."""
    app = opened("distribution", at_width="8", at_depth="2")
    assert not app.exception
    folder = unpack(bundle_of(given), tmp_path / "zip")
    said = alone([sys.executable, str(folder / "recompute.py")], tmp_path / "cache")
    assert "largest difference from the numbers kept: 0.0e+00" in said
    (kept,) = (folder / "numbers").glob("initial_sample-*.npz")
    with np.load(kept) as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    changed["mean"] = changed["mean"] * 1.01
    np.savez(kept, **changed)
    with pytest.raises(AssertionError, match="largest difference"):
        alone([sys.executable, str(folder / "recompute.py")], tmp_path / "another cache")
