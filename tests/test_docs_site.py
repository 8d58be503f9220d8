"""The site as a whole: links lead somewhere, every block is run or says why not, every public name is told of."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from tests.test_docs import DOCUMENTS, ROOT, TRAINER_COMMANDS

PUBLIC = [*sorted(path.parent.name for path in (ROOT / 'geo_noisy').glob('*/__init__.pyi')), 'pairs']
RUN = {
    'python': (
        'README.md',
        'pairs.md',
        'own_loss.md',
        'vts.md',
        'xbd.md',
        'regions.md',
        'inference.md',
        'quickstart.md',
        'qgis.md',
    ),
    'sh': ('quickstart.md', 'regions.md'),
}
"""Pages whose blocks of a language are run: by test_docs.py, audit/test_how_to.py and inference/test_how_to.py."""

BLOCK = re.compile(
    r'(?P<before>[^\n]*\n)```(?P<language>python|sh|console)\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)
REASON = re.compile(r'<!-- not run: .{10,} -->')


def heading_anchors(text: str) -> set[str]:
    """Anchors of the headings of a page, as GitHub and the site make them."""
    headings = re.findall(r'^#+ (.*)$', re.sub(r'^```.*?^```$', '', text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_headings_lead_there(document: Path) -> None:
    text = document.read_text(encoding='utf-8')
    for page, anchor in re.findall(r'\]\((?!https?:)([^)#]*)#([^)]+)\)', text):
        target = document.parent / page if page else document
        assert anchor in heading_anchors(target.read_text(encoding='utf-8')), f'{page}#{anchor}'


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_blocks_are_run_or_say_why_not(document: Path) -> None:
    for block in BLOCK.finditer(document.read_text(encoding='utf-8')):
        if REASON.search(block['before']):
            continue
        if block['language'] == 'console':
            lines = block['text'].replace('\\\n', ' ').splitlines()
            names = {line.split()[2] for line in lines if line.startswith('$ ')}
            # Their configs are read and their options checked; the README's region is followed.
            assert names <= {*TRAINER_COMMANDS, 'scenes', 'index'}, block['text']
        else:
            assert document.name in RUN[block['language']], block['text']


@pytest.mark.parametrize('package', PUBLIC)
def test_public_names_have_docstrings(package: str) -> None:
    module = importlib.import_module(f'geo_noisy.{package}')
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert len((value.__doc__ or '').split()) > 2, name


def test_every_page_stands_in_a_table_of_contents() -> None:
    listed = set()
    for document in DOCUMENTS:
        for tree in re.findall(
            r'^```\{toctree\}\n(.*?)^```$', document.read_text(encoding='utf-8'), re.DOTALL | re.MULTILINE
        ):
            names = [line for line in tree.splitlines() if line and not line.startswith(':')]
            for name in (re.sub(r'.*<(.*)>', r'\1', line) for line in names):
                listed |= {path.resolve() for path in document.parent.glob(f'{name}.md')}
    pages = {path for path in DOCUMENTS if path.is_relative_to(ROOT / 'docs')} - {ROOT / 'docs' / 'index.md'}
    assert {str(path.relative_to(ROOT)) for path in pages - listed} == set()
