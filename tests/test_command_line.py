"""Every --help renders; Python 3.14 checks each help line when it is added, earlier ones when help is asked for."""
import pytest

from refapprox.cli import COMMANDS, main
from tests.tools.command_line import all_parsers


@pytest.mark.parametrize("name", COMMANDS)
def test_help_renders(name):
    parsers = all_parsers(name)
    assert parsers
    for prog, parser in parsers.items():
        text = parser.format_help()
        assert text.startswith(f"usage: {prog}") and "%(" not in text


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_help_exits_well(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("usage: refapprox")
