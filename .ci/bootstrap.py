"""Set up the project's own environment: `python .ci/bootstrap.py [EXTRA]`.

Installs the project with an extra into .venv, and does nothing when neither pyproject.toml nor Python changed.
Written so that an old Python can still run it and say what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, '.venv')
NEEDED_PYTHON = (3, 12)
NEEDED_BYTES = 9 * 10**9  # torch with CUDA takes 6 GB, its download and the rest 3 GB more


def find_python():
    """This Python, or a newer one on the PATH, when this one is too old or cannot make environments."""
    candidates = [sys.executable] if sys.version_info >= NEEDED_PYTHON else []
    candidates += [shutil.which('python3.%d' % minor) for minor in range(NEEDED_PYTHON[1], NEEDED_PYTHON[1] + 5)]
    for candidate in candidates:
        # Debian's python3 has venv but, without the package python3-venv, no ensurepip.
        if candidate and subprocess.call([candidate, '-c', 'import ensurepip'], stderr=subprocess.DEVNULL) == 0:
            return candidate
    sys.exit(
        'geo-noisy needs Python %d.%d or newer with venv and pip, and `%s` is %d.%d. Install one (for example `pyenv '
        'install %d.%d`, or `apt install python3-venv`), or name it: make PYTHON=/path/to/python3.12 ...'
        % (NEEDED_PYTHON + (sys.executable,) + sys.version_info[:2] + NEEDED_PYTHON)
    )


def check_disk():
    """Refuse to start an installation that cannot end."""
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES:
        sys.exit(
            'The environment takes up to %.0f GB and only %.1f GB are free in %s. Free some space, or clone the '
            'project to a larger disk.' % (NEEDED_BYTES / 1e9, free / 1e9, ROOT)
        )


def fingerprint(python, extra):
    """Text that changes when the installation must be done anew."""
    with open(os.path.join(ROOT, 'pyproject.toml'), 'rb') as file:
        content = file.read()
    version = subprocess.check_output([python, '-VV']).decode()
    return hashlib.sha256(content + version.encode() + extra.encode() + VENV.encode()).hexdigest()


def version_of(python):
    """Full version of a Python, or nothing where it does not run."""
    try:
        return subprocess.check_output([python, '-VV'], stderr=subprocess.DEVNULL).decode()
    except (OSError, subprocess.CalledProcessError):
        return ''


def main():
    """Install, unless it is installed."""
    extra = sys.argv[1] if len(sys.argv) > 1 else ''
    python = find_python()
    stamp = os.path.join(VENV, '.installed-%s' % (extra or 'base'))
    current = fingerprint(python, extra)
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == current:
                return
    own_python = os.path.join(VENV, 'bin', 'python')
    has_pip = os.path.exists(own_python) and subprocess.call([own_python, '-c', 'import pip']) == 0
    if not has_pip or version_of(own_python) != version_of(python):
        check_disk()
        print('Creating .venv with %s' % python, flush=True)
        subprocess.check_call([python, '-m', 'venv', '--clear', VENV])
    print(
        'Installing geo-noisy%s into .venv (some minutes the first time)' % ('[%s]' % extra if extra else ''),
        flush=True,
    )
    target = ROOT + ('[%s]' % extra if extra else '')
    subprocess.check_call([own_python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-e', target])
    with open(stamp, 'w') as file:
        file.write(current)


if __name__ == '__main__':
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit('Setting up .venv failed: `%s` ended with %d.' % (' '.join(map(str, error.cmd)), error.returncode))
