"""What README.md and docs/ show works as it stands there.

docs/regions.md, quickstart.md, qgis.md and inference.md have tests of their own.
"""

import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from geo_noisy.main import COMMANDS, main
from tests.data.xbd import write_tree

ROOT = Path(__file__).parents[1]
TRAINER_COMMANDS = ('fit', 'validate', 'test', 'predict')
DOCUMENTS = [
    ROOT / 'README.md',
    *(path for path in sorted((ROOT / 'docs').rglob('*.md')) if '_build' not in path.parts),
]


def blocks(document: Path, *languages: str) -> list[str]:
    found = re.findall(r'^```(\w*)\n(.*?)^```$', document.read_text(encoding='utf-8'), flags=re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def commands() -> Iterator[list[str]]:
    """The words of each command that is shown."""
    for document in DOCUMENTS:
        for block in blocks(document, 'console', 'sh', ''):
            lines = block.replace('\\\n', ' ').splitlines()
            shown = (line.removeprefix('$ ') for line in lines)
            yield from (
                shlex.split(line, comments=True) for line in shown if line.startswith(('geo-noisy ', 'torchgeo '))
            )


def named(*names: str) -> list[list[str]]:
    return [words for words in commands() if words[1] in names]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    return tmp_path


@pytest.mark.parametrize('name', ['README.md', 'docs/pairs.md', 'docs/own_loss.md', 'docs/vts.md', 'docs/xbd.md'])
def test_python(name: str, workplace: Path) -> None:
    write_tree(workplace / 'xbd')
    names: dict[str, object] = {}
    for block in blocks(ROOT / name, 'python'):
        exec(compile(block, name, 'exec'), names)
    assert names


def test_no_document_with_python_is_left_out() -> None:
    with_python = {str(path.relative_to(ROOT)) for path in DOCUMENTS if blocks(path, 'python')}
    assert with_python == {
        'README.md',
        'docs/pairs.md',
        'docs/vts.md',
        'docs/xbd.md',
        'docs/regions.md',
        'docs/inference.md',
        'docs/quickstart.md',
        'docs/own_loss.md',
        'docs/qgis.md',
    }


def test_a_region_from_the_readme(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [text for text in blocks(ROOT / 'README.md', 'console') if 'geo-noisy index' in text]
    scenes, index, fit = block.replace('\\\n', ' ').strip().splitlines()
    assert main(shlex.split(scenes)[2:]) == 0
    assert main(shlex.split(index)[2:]) == 0
    assert (workplace / 'region' / 'map.html').exists()
    assert '--data.init_args.index=region/pairs.parquet' in fit


@pytest.mark.parametrize('words', named(*TRAINER_COMMANDS), ids=' '.join)
def test_the_trainer_takes(words: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words[1:], '--print_config']) == 0
    assert 'class_path: geo_noisy.' in capsys.readouterr().out


def test_commands_are_found() -> None:
    assert len(named(*TRAINER_COMMANDS)) > 8
    assert {words[1] for words in commands()} >= {'fit', 'scenes', 'index', 'sweep', 'report'}


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_linked_or_named_are_there(document: Path) -> None:
    text = document.read_text(encoding='utf-8')
    linked = re.findall(r'\]\((?!https?:)([^)#]+)', text)
    paths = [document.parent / path for path in linked]
    paths += [ROOT / path for path in re.findall(r'configs/[\w/]+\.yaml', text)]
    assert not [path for path in paths if not path.exists()]


def test_messages_of_the_troubleshooting_page_are_those_of_the_code() -> None:
    sources = [path.read_text(encoding='utf-8') for path in (ROOT / 'geo_noisy').rglob('*.py')]
    joined = '\n'.join(re.sub(r"'\s*\n\s*f?'", '', source) for source in sources)
    page = (ROOT / 'docs' / 'troubleshooting.md').read_text(encoding='utf-8')
    messages = re.findall(r'^- \*\*`([^`]+)`\*\*', page, re.MULTILINE)
    assert len(messages) > 20
    assert not [message for message in messages if message not in joined]


def test_every_public_name_has_a_page() -> None:
    spec = importlib.util.spec_from_file_location('package_pages', ROOT / 'docs' / 'package_pages.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    public = {path.parent.name for path in (ROOT / 'geo_noisy').glob('*/__init__.pyi')} | {'pairs'}
    assert set(module.PACKAGES) == public
    pages = dict(module.pages())
    for package in public:
        for name in importlib.import_module(f'geo_noisy.{package}').__all__:
            assert re.search(rf'\b{name}\b', pages[f'{package}.md'])
    linked = (ROOT / 'docs' / 'reference' / 'index.md').read_text(encoding='utf-8').split('```')[1].split()
    assert {f'{name}.md' for name in linked if not name.startswith((':', '{', '1'))} == set(pages)
    assert all(f'geo-noisy {name}' in pages['commands.md'] for commands in COMMANDS.values() for name in commands)
