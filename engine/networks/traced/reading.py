"""Where the parameters meet data in the program of one example.

A leaf is *structured* if all that is ever done with it are products that `products` knows. Then the output of each
product is moved by zero, and its cotangent is d. Every other leaf is *whole*: its Jacobian is taken as it is, by
reverse differentiation of the whole program. So nothing can be left out: what has no rule makes its leaf whole. Of a
leaf from which no signal comes back (`goes_back`) it is taken by forward differentiation.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal

from engine.networks.traced.extremes import mend
from engine.networks.traced.products import Bias, Term, bias_of, product_of
from engine.networks.traced.program import evaluate, flat, goes_back, loops
from engine.networks.traced.views import View, aval, entries, floating, number, seen_through


@dataclass(frozen=True)
class Site:
    """A product of a structured leaf with data, and the bias that follows it.

    Attributes:
        scans: lengths of the scans around it, from without; its record and its cotangent have them as first axes.
        shape: of the output, which is moved by zero.
        operand: shape of the data, which is recorded.
    """

    scans: tuple[int, ...]
    shape: tuple[int, ...]
    operand: tuple[int, ...]
    dtype: Any
    terms: tuple[Term, ...]


@dataclass
class Level:
    """A program without calls, and what is done at its equations.

    Attributes:
        recorded: the site of a product, and which operand of it is the data.
        moved: the site whose output this is, with its bias.
        scans: the body of a scan that is given views.
    """

    closed: ClosedJaxpr
    recorded: dict[int, tuple[int, int]] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    scans: dict[int, "Level"] = field(default_factory=dict)

    @cached_property
    def sites(self) -> frozenset[int]:
        """Those of this level and of the scans in it."""
        return frozenset(self.moved.values()).union(*(level.sites for level in self.scans.values()))


@dataclass(frozen=True)
class Plan:
    """What `signals` is to do: sites that have terms, and leaves that are whole.

    Attributes:
        forward: leaves whose Jacobian is taken by forward differentiation.
        shapes: of all leaves; k: the number of outputs.
    """

    level: Level
    sites: dict[int, Site]
    whole: tuple[int, ...]
    forward: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    k: int

    @cached_property
    def groups(self) -> dict[tuple[Any, ...], list[tuple[int, Term]]]:
        """Sites and terms that see the same of a leaf in the same order: their positions are joined."""
        found: dict[tuple[Any, ...], list[tuple[int, Term]]] = defaultdict(list)
        for index, site in self.sites.items():
            for term in site.terms:
                found[term.view.leaf, term.view.steps, term.key].append((index, term))
        return dict(found)

    def numbers_per_point(self) -> int:
        """Numbers that are held for each example at once, about."""
        signals = sum(prod(site.scans) * (prod(site.shape) * self.k + _patches(site)) for site in self.sites.values())
        return signals + self.k * sum(prod(self.shapes[leaf]) for leaf in (*self.whole, *self.forward))


def read(apply: Callable, params: Any, x: jax.ShapeDtypeStruct, trained: frozenset[int] | None = None) -> Plan:
    """The plan of an apply function.

    Args:
        params: arrays, or their shapes.
        x: shape and dtype of one example.
        trained: the leaves whose Jacobian counts; all that are floating when None.
    """
    leaves, tree = jax.tree.flatten(params)
    counted = frozenset(i for i, leaf in enumerate(leaves) if floating(leaf) and (trained is None or i in trained))

    def one(leaves: list, x: jax.Array) -> jax.Array:
        return apply(jax.tree.unflatten(tree, leaves), x[None])[0]

    shapes = [jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves]
    closed = flat(mend(jax.make_jaxpr(one)(shapes, x)))
    reader, forward = _Reader(), _no_way_back(closed, counted)
    views = [View(i) if i in counted - forward else None for i in range(len(leaves))]
    level = reader.level(closed, [*views, None], ())
    found, k = tuple(shape.shape for shape in shapes), closed.out_avals[0].shape[0]
    plan = Plan(level, {}, (), tuple(sorted(forward)), found, k)
    return _settled(plan, reader, counted - forward)


def _no_way_back(closed: ClosedJaxpr, leaves: frozenset[int]) -> frozenset[int]:
    """Those of the leaves from which outputs depend through a loop that no signal goes back through."""

    def back(leaves: frozenset[int]) -> bool:
        def outputs(moved: dict[int, Any]) -> list[Any]:
            args = [moved.get(i, jnp.zeros(kind.shape, kind.dtype)) for i, kind in enumerate(closed.in_avals)]
            return evaluate(closed.jaxpr, closed.consts, args)

        return goes_back(outputs, {i: closed.in_avals[i] for i in leaves})

    if not loops(closed.jaxpr) or back(leaves):
        return frozenset()
    return frozenset(leaf for leaf in leaves if not back(frozenset({leaf})))


class _Reader:
    """Walks the program, level by level, and notes sites, and leaves that are whole."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.whole: set[int] = set()

    def level(self, closed: ClosedJaxpr, views: Sequence[View | None], scans: tuple[int, ...]) -> Level:
        """Reads a program whose inputs are these views, or data where None."""
        jaxpr, level = closed.jaxpr, Level(closed)
        walk = _Walk(dict(zip(jaxpr.invars, views, strict=True)), _uses(jaxpr))
        for index, eqn in enumerate(jaxpr.eqns):
            seen = [walk.view(atom) for atom in eqn.invars]
            if not any(seen):
                walk.follow(eqn)
            elif eqn.primitive.name == "scan":
                level.scans[index] = self._scan(eqn, seen, scans)
            elif view := seen_through(eqn, seen):
                walk.views[eqn.outvars[0]] = view
            elif term := product_of(eqn, seen):
                site = self._site(eqn, term, seen.index(None), scans)
                level.recorded[index], level.moved[index] = (site, seen.index(None)), site
                walk.pending[eqn.outvars[0]] = (site, 1.0)
            elif (found := walk.product(eqn, seen)) and self._bias(eqn, seen, *found):
                level.moved = {at: site for at, site in level.moved.items() if site != found[0]} | {index: found[0]}
            else:
                self._give_up(seen)
        self._give_up([walk.view(atom) for atom in jaxpr.outvars])
        return level

    def _give_up(self, views: Sequence[View | None]) -> None:
        self.whole.update(view.leaf for view in views if view)

    def _site(self, eqn: JaxprEqn, term: Term, operand: int, scans: tuple[int, ...]) -> int:
        out = aval(eqn.outvars[0])
        self.sites.append(Site(scans, out.shape, aval(eqn.invars[operand]).shape, out.dtype, (term,)))
        return len(self.sites) - 1

    def _bias(self, eqn: JaxprEqn, seen: Sequence[View | None], index: int, factor: float) -> bool:
        """Adds a bias to the site of its product, which it reads times `factor`; False where it is no bias."""
        site = self.sites[index]
        term = site.terms[0]
        bias = bias_of(eqn, list(seen), term)
        if bias is None:
            return False
        terms = (replace(term, factor=term.factor * factor), bias)
        self.sites[index] = replace(site, terms=terms)
        return True

    def _scan(self, eqn: JaxprEqn, seen: Sequence[View | None], scans: tuple[int, ...]) -> Level:
        shared, carried = eqn.params["num_consts"], eqn.params["num_carry"]
        consts, carry, xs = seen[:shared], seen[shared : shared + carried], seen[shared + carried :]
        spread = [view for view in (*consts, *xs) if view and view.spread]
        self._give_up([*carry, *spread])
        body: list[View | None] = [None if view in spread else view for view in consts]
        body += [None] * carried
        body += [None if view is None or view in spread else view.sliced(len(scans)) for view in xs]
        return self.level(flat(eqn.params["jaxpr"]), body, (*scans, eqn.params["length"]))


@dataclass
class _Walk:
    """What is known of the variables of one level: views, and products that are still to be read, with a factor."""

    views: dict[Any, View | None]
    uses: Counter
    pending: dict[Any, tuple[int, float]] = field(default_factory=dict)

    def view(self, atom: Any) -> View | None:
        return None if isinstance(atom, Literal) else self.views.get(atom)

    def follow(self, eqn: JaxprEqn) -> None:
        """A product times a number is still that product."""
        factor, data = number(eqn), [atom for atom in eqn.invars if not isinstance(atom, Literal)]
        if factor is not None and data and (found := self._read_here(data[0])):
            self.pending[eqn.outvars[0]] = (found[0], found[1] * factor)

    def product(self, eqn: JaxprEqn, seen: Sequence[View | None]) -> tuple[int, float] | None:
        """The site and the factor of the product that an equation reads beside a view."""
        data = [atom for atom, view in zip(eqn.invars, seen, strict=True) if view is None]
        return self._read_here(data[0]) if len(data) == 1 else None

    def _read_here(self, atom: Any) -> tuple[int, float] | None:
        """A product that nothing else reads."""
        return None if isinstance(atom, Literal) or self.uses[atom] != 1 else self.pending.get(atom)


def _uses(jaxpr: Any) -> Counter:
    atoms = [atom for eqn in jaxpr.eqns for atom in eqn.invars] + list(jaxpr.outvars)
    return Counter(atom for atom in atoms if not isinstance(atom, Literal))


def _settled(plan: Plan, reader: _Reader, counted: frozenset[int]) -> Plan:
    """The plan without terms of leaves that are whole: those that say so, and those whose views overlap."""
    whole = reader.whole & counted
    while True:
        plan = replace(plan, sites=_kept(reader.sites, whole), whole=tuple(sorted(whole)))
        overlapping = {leaf for leaf in counted - whole if _overlap(plan, leaf)}
        if not overlapping:
            return plan
        whole |= overlapping


def _kept(sites: list[Site], whole: set[int]) -> dict[int, Site]:
    kept = {}
    for index, site in enumerate(sites):
        terms = tuple(term for term in site.terms if term.view.leaf not in whole)
        if terms:
            kept[index] = replace(site, terms=terms)
    return kept


def _overlap(plan: Plan, leaf: int) -> bool:
    """Whether two groups share an entry of the leaf: their J would have to be added before they are squared."""
    steps = [key[1] for key in plan.groups if key[0] == leaf]
    if len(steps) < 2:
        return False
    if len(set(steps)) < len(steps):
        return True
    places = [entries(View(leaf, how), plan.shapes[leaf]) for how in steps]
    return any(np.intersect1d(one, other).size for one, other in combinations(places, 2))


def _patches(site: Site) -> int:
    """Numbers of the inputs of a site: of a convolution, as many times over as its kernel has places."""
    term = site.terms[0].product if isinstance(site.terms[0], Bias) else site.terms[0]
    return prod(site.operand) * prod(getattr(term, "window", ()))
