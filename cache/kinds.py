"""What is asked for, checked before anything is started."""

from engine import jobs
from engine.schema import Config, ConfigError, Problem, did_you_mean


def known_kind(kind: str) -> jobs.Kind:
    """The kind of job. Raises `ConfigError` with the valid names."""
    if kind not in jobs.KINDS:
        allowed = list(jobs.KINDS)
        hint = did_you_mean(kind, allowed)
        raise ConfigError([Problem("kind", f"{kind!r} is unknown.{hint} Allowed: {', '.join(allowed)}")])
    return jobs.KINDS[kind]


def run_key(kind: str, config: Config) -> str:
    """The content address of a result. Raises `ConfigError` when kind and config do not fit together."""
    wanted = known_kind(kind).config
    if not isinstance(config, wanted):
        given = type(config).__name__
        raise ConfigError([Problem("config", f"a {kind!r} job takes a {wanted.__name__}, got a {given}")])
    return jobs.key(kind, config)
