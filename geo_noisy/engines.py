"""Where the parts of a large piece of work are done: here, or on a Ray cluster; same functions, same results."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from tqdm import tqdm

Engine = Literal['local', 'ray']
ENGINES: tuple[Engine, ...] = ('local', 'ray')
_RETRIES = 3  # of a part whose worker is lost
_present: ContextVar[Engine] = ContextVar('engine', default='local')


@contextmanager
def working_on(engine: Engine = 'local', *, ray_cpus: int | None = None) -> Iterator[None]:
    """Do what follows on an engine.

    Args:
        engine: ``local``, or ``ray``: the cluster of ``RAY_ADDRESS``, whose machines must see the same files, or one
            that is started here.
        ray_cpus: Processes of a Ray that is started here; as many as there are CPUs by default.

    Raises:
        ModuleNotFoundError: If Ray is not installed.
        ValueError: If there is no such engine, or an option cannot act.
    """
    if engine not in ENGINES:
        raise ValueError(f'engine is {engine!r}; choose one of {ENGINES}.')
    if ray_cpus is not None and (engine != 'ray' or ray_cpus < 1):
        raise ValueError(f'ray_cpus is {ray_cpus}; it must be at least 1, and needs engine ray.')
    started_here = engine == 'ray' and _start(ray_cpus)
    token = _present.set(engine)
    try:
        yield
    finally:
        _present.reset(token)
        if started_here:
            _ray().shutdown()


def each[A, B](function: Callable[[A], B], parts: Sequence[A], *, what: str) -> list[B]:
    """Results of a function for some parts, in their order, on the engine that was chosen.

    Args:
        function: A pure function; on Ray it is copied to its workers, once each.
        parts: What it is called with. A part whose worker is lost is done again by another one.
        what: What is done, for the progress bar.
    """
    results = map(function, parts) if _present.get() == 'local' else _on_ray(function, parts)
    return list(tqdm(results, desc=what, total=len(parts), leave=False, disable=None if len(parts) > 1 else True))


def _on_ray[A, B](function: Callable[[A], B], parts: Sequence[A]) -> Iterator[B]:
    ray = _ray()
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_call)
    shared = ray.put(function)
    for result in [task.remote(shared, part) for part in parts]:
        try:
            yield ray.get(result)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None


def _call[A, B](function: Callable[[A], B], part: A) -> B:
    return function(part)


def _start(cpus: int | None) -> bool:
    ray = _ray()
    if ray.is_initialized():
        return False
    ray.init(num_cpus=cpus, log_to_driver=False, include_dashboard=False)
    return True


def _ray() -> Any:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("`--engine ray` needs Ray: pip install 'geo-noisy[ray]'") from error
    return ray
