"""One target under atheris, from its kept corpus: ``python -m tests.fuzz.run TARGET FOLDER [-max_total_time=60]``."""

import sys

import atheris

with atheris.instrument_imports(include=['geo_noisy', 'tests.fuzz']):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run until the time is over or something is found."""
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == '__main__':
    main()
