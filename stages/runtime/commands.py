"""The commands of a package: predict, selftest, info and serve."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .description import description_of
from .errors import AgreementNotMet, ConfigError, InfrastructureError, WorkflowError
from .faults import failed
from .file_answers import PredictOptions, answered, drawings
from .neutral import line, neutral_streams
from .predictor import Predictor
from .processor import INSTRUCTION_SETS
from .selftest import selftest

HOME = Path(__file__).resolve().parent.parent
UNTESTED = "also on a processor that the package was not verified for"


def main(argv: Sequence[str] | None = None, folder: Path = HOME) -> int:
    """Run a command on the package in `folder` and return its exit code. `argv`: the arguments;
    those of the command line if None."""
    for stream in (sys.stdout, sys.stderr):  # a terminal's encoding may lack a label's letters
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    with neutral_streams():  # labels and file names may hold control characters
        return _answer(argv, folder)


def _answer(argv: Sequence[str] | None, folder: Path) -> int:
    args = _parser(folder).parse_args(_with_command(sys.argv[1:] if argv is None else argv))
    try:
        return int(args.do(args, folder))
    except WorkflowError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # a fault of ours: a message instead of a traceback
        print(failed(f"'{args.do.__name__.strip('_')}'", error), file=sys.stderr)  # noqa: T201
        return InfrastructureError.exit_code


def _with_command(argv: Sequence[str]) -> list[str]:
    """`argv` with the command predict in front, if it names files only, or selftest before
    --report."""
    commands = ("predict", "selftest", "info", "serve", "-h", "--help")
    if argv and argv[0] == "--report":
        return ["selftest", *argv]
    return list(argv) if argv and argv[0] in commands else ["predict", *argv]


def _parser(folder: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {Path(__file__).resolve().parent.name}")
    commands = parser.add_subparsers(required=True)
    predict = commands.add_parser("predict", help="answer files")
    _add_predict(predict)
    test = commands.add_parser("selftest", help="check every file and answer")
    test.add_argument("--report", action="store_true", help="print this device's report as JSON")
    test.add_argument("--on", choices=INSTRUCTION_SETS, help="what runs on this instruction set")
    test.set_defaults(do=_selftest)
    commands.add_parser("info", help="print package.json").set_defaults(do=_info)
    if Path(__file__).with_name("server.py").is_file():  # a device SDK has none
        _add_serve(commands)
    return parser


def _add_predict(predict: argparse.ArgumentParser) -> None:
    predict.add_argument("files", nargs="*", type=Path)
    predict.add_argument("--from", dest="list", type=Path, help="a file with a name on each line")
    predict.add_argument("--top", type=_count, help="so many of each answer, the best; 0 for all")
    predict.add_argument("--threshold", type=_share, help="leave out what has a lower score")
    predict.add_argument("--draw", type=Path, help="write the boxes drawn; of several, a folder")
    predict.add_argument("--json", action="store_true", help="one JSON object on each line")
    predict.add_argument("--timed", action="store_true", help="with --json: seconds, too")
    predict.add_argument("--threads", type=int, default=1)
    predict.add_argument("--untested", action="store_true", help=UNTESTED)
    predict.add_argument(
        "--on", choices=INSTRUCTION_SETS, help="with the options of this instruction set, too"
    )
    predict.set_defaults(do=_predict)


def _add_serve(commands: Any) -> None:
    serve = commands.add_parser("serve", help="answer over HTTP")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--threads", type=int, default=0, help="answers at once; 0: one a core")
    serve.add_argument("--seconds", type=_positive, default=10, help="the most for one sample")
    serve.add_argument("--memory", type=_positive, default=1500, help="MB, the most of a worker")
    serve.add_argument("--untested", action="store_true", help=UNTESTED)
    serve.set_defaults(do=_serve)


def _predict(args: argparse.Namespace, folder: Path) -> int:
    files = [*args.files, *_listed(args.list)]
    if not files:
        print("Name at least one file.", file=sys.stderr)  # noqa: T201
        return 2
    started = time.perf_counter()
    predictor = Predictor.open(folder, args.threads, on=args.on, untested=args.untested)
    if args.timed:
        print(json.dumps({"load_seconds": time.perf_counter() - started}))  # noqa: T201
    options, worst = PredictOptions(args.top, args.threshold), 0
    places = drawings(predictor, files, args.draw)
    for path, drawing in zip(files, places, strict=True):
        started = time.perf_counter()
        answer, code = answered(predictor, path, options, drawing)
        spent = {"seconds": time.perf_counter() - started} if args.timed else {}
        _print_answer({**answer, **spent}, args.json, predictor)
        worst = max(worst, code)
    return worst


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 1_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not from 1 to 999999")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is no count: give 0 or more")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:  # NaN is neither
        raise argparse.ArgumentTypeError(f"'{text}' is no score: give a number from 0 to 1")
    return value


def _listed(path: Path | None) -> list[Path]:
    try:
        return [Path(line) for line in path.read_text("utf-8").splitlines()] if path else []
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--from {path} cannot be read: {error}.", "Name a text file with a name on each line."
        ) from error


def _print_answer(answer: dict[str, Any], as_json: bool, predictor: Predictor) -> None:
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))  # noqa: T201
    elif "problem" in answer:
        message = f"{line(answer['file'])}: {line(answer['problem'])} {line(answer['remedy'])}"
        print(message, file=sys.stderr)  # noqa: T201
    else:
        print(f"{line(answer['file'])}: {line(predictor.kind.line(answer))}")  # noqa: T201


def _selftest(args: argparse.Namespace, folder: Path) -> int:
    if not args.report:
        print(selftest(folder, args.on).line)  # noqa: T201
        return 0
    from .device_report import device_report

    report, passed = device_report(folder)
    print(json.dumps(report, indent=1))  # noqa: T201
    return 0 if passed else AgreementNotMet.exit_code


def _info(args: argparse.Namespace, folder: Path) -> int:
    print(json.dumps(description_of(folder), indent=2, ensure_ascii=False))  # noqa: T201
    return 0


def _serve(args: argparse.Namespace, folder: Path) -> int:
    from .server import limited, serve

    limits = limited(args.seconds, args.memory)
    serve(folder, args.host, args.port, args.threads, limits, untested=args.untested)
    return 0
