"""How all commands speak: usage, refusals, help, signals, pipes."""
import os
import re
import signal
import subprocess
import sys

import pytest

from refapprox import files
from refapprox._version import __version__
from refapprox.cli import COMMANDS, FIRST_STEPS, main, parse
from refapprox.commands.parser import named_number, spoken
from tests.tools.command_line import all_parsers


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_renders_and_tells_of_every_option(name):
    """Python 3.14 formats each help text when an option is added and refuses a bare %; here each is formatted."""
    for prog, parser in all_parsers(name).items():
        text = parser.format_help()
        assert text.startswith(f"usage: {prog}") and "%(" not in text
        for action in parser._actions:
            assert action.help is None or re.search(r"(?<!%)(?:%%)*%(?![%(])", action.help) is None, action.dest
            assert all(option in text for option in action.option_strings)


@pytest.mark.parametrize("words", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_help_exits_well(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0 and capsys.readouterr().out.startswith("usage: refapprox")


@pytest.mark.parametrize("words", [(), ("multipliers",), ("conformance",)], ids=" ".join)
def test_who_names_no_command_yet_sees_them_all(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words])
    printed = capsys.readouterr().out
    below = [prog.split()[-1] for prog in all_parsers(*words) if prog.count(" ") == 1 + len(words)]
    assert ended.value.code == 0 and below and all(f"    {name} " in printed for name in below)


def test_the_first_steps_are_commands_that_parse():
    steps = re.findall(r"^  refapprox (.+?)  ", FIRST_STEPS, re.MULTILINE)
    assert len(steps) == 4 and all(parse(step.split()) for step in steps)


@pytest.mark.parametrize("command", [["run"], ["effect", "x"], ["stats", "--run", "x"], ["multipliers", "show", "x"],
                                     ["multipliers", "list"], ["conformance", "run"], ["analog"]])
def test_an_unknown_option_shows_the_usage_of_its_own_command(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--bogus", "1"])
    printed = capsys.readouterr().err
    assert ended.value.code == 2 and "no option --bogus is known here" in printed
    words = [word for word in command if not word.startswith("-") and word != "x"]
    assert printed.startswith(f"usage: refapprox {' '.join(words)} ")


def test_an_option_that_is_nearly_known_is_suggested(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--multiplier", "builtin"])
    assert "did you mean --multipliers?" in capsys.readouterr().err


def test_an_option_given_twice_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["run", "--multipliers", "builtin", "--multipliers=other"])
    assert "--multipliers is given twice" in capsys.readouterr().err
    args, _ = parse(["effect", "x", "--cost", "a=1", "--cost", "b=2"])
    assert dict(args.cost) == {"a": 1.0, "b": 2.0} and args.given == {"cost"}


def test_costs_are_read_by_name_and_refused_where_they_are_given(capsys):
    assert named_number("drum(k=6)=0.25") == ("drum(k=6)", 0.25)
    for text, message in (("mine", "must read NAME=NUMBER"), ("mine=-1", "the cost of mine must be a number"),
                          ("mine=nan", "at least 0"), ("=1", "must read NAME=NUMBER"), ("mine=x", "must read NAME")):
        with pytest.raises(SystemExit):
            main(["effect", "x", "--cost", text])
        assert message in capsys.readouterr().err


def test_messages_name_options_and_files():
    parser = parse(["run"])[1]
    assert spoken(ValueError("initial_noise must be finite"), parser) == "--initial-noise must be finite"
    assert spoken(ValueError("seed of SyntheticDigits must be at least 0"), parser) == "--seed must be at least 0"
    assert spoken(ValueError("pass data_dir=x"), parser) == "pass --data-dir x"
    assert spoken(ValueError("the seed of all evil must go"), parser) == "the seed of all evil must go"
    assert spoken(FileNotFoundError(2, "No such file", "a.npy"), parser) == "a.npy: No such file"


def test_temporary_names_never_show(tmp_path):
    with pytest.raises(OSError) as missing:
        files.write_text(tmp_path / "missing" / "report.html", "")
    assert missing.value.filename == str(tmp_path / "missing" / "report.html")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="a file is in the way"):
        files.make_folder(tmp_path / "file" / "folder")


def test_the_version_is_told_in_two_ways(capsys):
    for option in ("-V", "--version"):
        with pytest.raises(SystemExit) as ended:
            main([option])
        assert ended.value.code == 0 and capsys.readouterr().out == f"refapprox {__version__}\n"


# ---- as processes

def start(code, **options):
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=os.environ | {"PYTHONPATH": os.getcwd()}, **options)


def test_a_broken_pipe_is_silent():
    process = start("import sys; from refapprox.cli import main; sys.stdin.read(); "
                    "sys.exit(main(['multipliers', 'list']))", stdin=subprocess.PIPE)
    with process:
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b"" and process.wait() == 141


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no POSIX signals here")
@pytest.mark.parametrize("name, delay", [
    ("SIGINT", 0.02), ("SIGTERM", 0.25), ("SIGHUP", 1.5),
    *(pytest.param(name, delay, marks=pytest.mark.slow) for name, delay in [
        ("SIGINT", 0.25), ("SIGINT", 1.5), ("SIGTERM", 0.02), ("SIGTERM", 1.5), ("SIGHUP", 0.02), ("SIGHUP", 0.25)])])
def test_signals_end_it_quietly_while_modules_load_and_while_it_works(name, delay, tmp_path):
    process = start(f"import os, signal, sys, threading; signal.signal(signal.{name}, "      # nohup's child ignores one
                    f"{'signal.default_int_handler' if name == 'SIGINT' else 'signal.SIG_DFL'})\n"
                    "from refapprox.cli import main\n"
                    f"threading.Timer({delay}, os.kill, (os.getpid(), signal.{name})).start()\n"
                    "sys.exit(main(['run', '--preset', 'full', '--out', 'out']))", cwd=tmp_path)
    printed, errors = (stream.decode() for stream in process.communicate(timeout=60))
    assert process.returncode == 128 + getattr(signal, name)
    assert "Traceback" not in errors + printed and "interrupted" in errors + printed
    assert errors in ("", "refapprox run: interrupted.\n")
