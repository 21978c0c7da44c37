"""The words and recipes that lie in a package beside its code."""

from collections.abc import Sequence
from textwrap import fill

from stages.deploy.content import Content, libraries_of, requires
from stages.deploy.instruction_sets import Statement
from stages.evaluate.formatting import capital
from stages.evaluate.rejected import rejected_label
from stages.evaluate.sure import SureAnswers
from stages.runtime.neutral import line


def device_readme(content: Content) -> str:
    """How to use a device_sdk package."""
    thing, file = content.modality.noun, _file(content)
    return f"""# {content.name}: {_what(content)}

    pip install -r requirements.txt
    python -m {content.sdk} {file:<29}# {content.kind.title}
    python -m {content.sdk} predict --json FILE...       # one JSON object on each line
{_drawing(content)}\
    python -m {content.sdk} selftest                     # is it whole? does it answer rightly?
    python -m {content.sdk} info                         # labels, steps, origin

{content.kind.explains}{_sure(content)}{_rejecting(content)}

Keep scripts, `.venv` and `.git` outside this folder: it refuses code and links that are not its
own. From Python, with this folder on the path:

    from pathlib import Path
    from {content.sdk}.predictor import Predictor

    with Predictor.open(Path("this/folder")) as predictor:
        print(predictor.predict(Path("{file}").read_bytes()))

`report.html` tells what this very folder measured on the test {thing}s before it was given away,
and `measured.json` says it in numbers.

`requirements.txt` names the versions that it was tested with; it works with newer ones, and with
older ones down to {_least(content)} (`requirements-least.txt`).

`SHA256SUMS` lists every file and is the package's seal: it is checked whenever the folder is
opened, and `sha256sum --check SHA256SUMS` checks it, too. It guards against damage and mix-ups: a
file that was changed, exchanged or lost, code or links that came in beside the package's own. It
does not guard against somebody who may write in this folder, as they can write the seal: where
that matters, keep the package where only you can write, and compare the digest of `SHA256SUMS`
with the one you were given.
"""


def _sure(content: Content) -> str:
    """From which score on answers of this package are sure."""
    if "sure_from" not in content.description:
        return ""
    least = content.description["sure_from"]
    if least is None:
        return (
            "\n\nNo answer of this package is sure: too few were right at any score\n"
            "(`report.html` has the figures). Let a person look at each."
        )
    return f"\nHere an answer is sure from a score of {least:.2f} on (`sure_from` in package.json)."


def _least(content: Content) -> str:
    """The oldest versions that it works with: Python 3.11, numpy 1.24.2 and pillow 9.4.0."""
    least = requires(libraries_of(content.description))
    *most, last = (f"{name.replace('python', 'Python')} {least[name]}" for name in least)
    return f"{', '.join(most)} and {last}"


def cloud_readme(content: Content) -> str:
    """How to use a cloud_api package."""
    file = _file(content)
    service = "http://127.0.0.1:8000/predict"
    return f"""{device_readme(content)}
## As a service

    python -m {content.sdk} serve                        # on http://127.0.0.1:8000, pages at /docs
    curl --data-binary @{file} -H "Content-Type: {content.modality.example[1]}" {service}
    curl -F files=@{file} -F files=@other {service}
{_drawn_by_service(content, file, service)}
    docker build -t {content.name} .
    docker run --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 {content.name}

The server's own libraries are in both files of requirements in the versions that were tested.

It has no login: put it behind a proxy that has one before others can reach it. Each core has a
worker process; a file that takes one of them longer than `--seconds` (10) or more than `--memory`
(1500 MB) is answered 422, and another worker takes its place. When more is asked than it can answer
it says 503 with Retry-After; bodies that are too large or too slow get 413 and 408.
`/health` has room of its own,
and says 503 when no worker can load the package. `/metrics` is for Prometheus: requests, refusals,
workers that were replaced.
"""


def golden(thing: str, counts: tuple[int, int], size: int, labels: str) -> str:
    """What lies in golden/, so that nobody gives away what they did not want to: `counts` samples
    of the data and made-up ones, of `size` bytes; `labels`: how many they cover, of how many."""
    own, made_up = counts
    kinds = [f"small copies of {own} test {thing}s of yours"] if own else []
    kinds.append(f"{made_up} made-up {thing}s")
    hint = (
        f"Set `deploy.golden_samples: generated` for a package without any {thing} of yours."
        if own
        else "None of your own is in this package."
    )
    return f"""
## What it tests itself with

`golden/` holds {" and ".join(kinds)} ({size // 1000} kB): those on which a wrong answer
would show first. They cover {labels} labels. `selftest` answers them all, and says how many keep
their answer on this machine. {hint}
"""


def sure(found: SureAnswers) -> str:
    """How right the package's own sure answers were in its test; nothing if none can be sure."""
    if found.least is None:
        return ""
    lines = fill(found.summary, 100, break_on_hyphens=False)
    return f"\n## How right its sure answers are\n\n{lines}\n"


def processors(found: Sequence[Statement]) -> str:
    """For which processors the package was verified, and how."""
    rows = "".join(
        f"- {one.instruction_set}: {one.statement}. {capital(one.basis)}.\n" for one in found
    )
    return f"""
## Processors

Networks in 8 bits may answer otherwise on another processor. What holds for this package, as
`instruction_sets.json` says it, too:

{rows}
On a processor of which nothing is said here it refuses to answer, unless it is given `--untested`;
`selftest` tells how it answers there.
"""


def _rejecting(content: Content) -> str:
    other = rejected_label(content.description["after"], content.description["labels"])
    if not other:
        return ""
    thing = content.modality.noun
    return f"\n'{line(other)}' first means that the {thing} has none of the other labels."


def _file(content: Content) -> str:
    """A sample's name in an example: photo.jpg, clip.wav."""
    return content.modality.example[0]


def _drawing(content: Content) -> str:
    if not content.kind.draws:
        return ""
    return f"    python -m {content.sdk} predict {_file(content)} --draw out.jpg\n"


def _drawn_by_service(content: Content, file: str, service: str) -> str:
    if not content.kind.draws:
        return ""
    return f'    curl --data-binary @{file} "{service}?draw=true" -o out.jpg\n'


def dockerfile(content: Content) -> str:
    """An image that runs as nobody in particular and tests itself while it is built."""
    check = "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)"
    return f"""FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin service
WORKDIR /package
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
USER 10001
RUN python -m {content.sdk} selftest
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-c", "{check}"]
CMD ["python", "-m", "{content.sdk}", "serve", "--host", "0.0.0.0", "--port", "8000"]
"""


def _what(content: Content) -> str:
    labels = content.description["labels"]
    return f"{content.description['task'].replace('_', ' ')}, {len(labels)} labels"
