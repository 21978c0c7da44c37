"""The texts in a package beside its code: README, Dockerfile."""

from collections.abc import Sequence
from textwrap import fill

from stages.deploy.content import Content, libraries_of, requires
from stages.deploy.instruction_sets import Statement
from stages.deploy.native_sources import native_readme
from stages.evaluate.formatting import capital
from stages.evaluate.rejected import rejected_label
from stages.evaluate.sure import SureAnswers
from stages.runtime.neutral import line


def device_readme(content: Content) -> str:
    """The README of a device_sdk package."""
    noun, file = content.modality.noun, _file(content)
    return f"""# {content.name}: {_what(content)}

    pip install -r requirements.txt
    python -m {content.sdk} {file:<29}# {content.kind.title}
    python -m {content.sdk} predict --json FILE...       # one JSON object on each line
{_drawing(content)}\
    python -m {content.sdk} selftest                     # is it complete, does it answer correctly?
    python -m {content.sdk} info                         # labels, steps, origin

{content.kind.explains}{_sure(content)}{_rejecting(content)}

Keep scripts, `.venv` and `.git` outside this folder: the package refuses to start beside code and
links that are not its own. From Python, with this folder on the path:

    from pathlib import Path
    from {content.sdk}.predictor import Predictor

    with Predictor.open(Path("this/folder")) as predictor:
        print(predictor.predict(Path("{file}").read_bytes()))

`report.html` says what this package measured on the test {noun}s before it was shipped;
`measured.json` has the same as numbers.

`requirements.txt` names the versions that it was tested with. It also works with newer ones, and
with older ones down to {_least(content)} (`requirements-least.txt`).{_optional(content)}

`SHA256SUMS` lists every file and is the package's seal. It is checked whenever the package is
opened; `sha256sum --check SHA256SUMS` checks it, too. It protects against damage and mix-ups: a
file that was changed, exchanged or lost, or foreign code and links in the folder. It does not
protect against somebody who may write in this folder, as they can also rewrite the seal. Where
that matters, keep the package where only you can write, and compare the digest of `SHA256SUMS`
with the one that you were given.
{native_readme(content)}"""


def _sure(content: Content) -> str:
    """From which score an answer of this package is sure."""
    if "sure_from" not in content.description:
        return ""
    least = content.description["sure_from"]
    if least is None:
        return (
            "\n\nNo answer of this package is sure: at no score were enough answers right\n"
            "(`report.html` has the figures). Let a person check each answer."
        )
    if least <= 0:
        return "\nEvery answer is sure, whatever its score (`sure_from` in package.json is 0)."
    return f"\nAn answer is sure from a score of {least:.2f} on (`sure_from` in package.json)."


def _optional(content: Content) -> str:
    """Which libraries only some samples need."""
    items = content.modality.optional_libraries.items()
    return "".join(
        f"\n{capital(samples)} are read where `{name}` is installed: pip install {name}"
        for name, samples in items
    )


def _least(content: Content) -> str:
    """The oldest versions that work, as text: Python 3.11, numpy 1.24.2 and pillow 9.4.0."""
    least = requires(libraries_of(content.description))
    *most, last = (f"{name.replace('python', 'Python')} {least[name]}" for name in least)
    return f"{', '.join(most)} and {last}"


def cloud_readme(content: Content) -> str:
    """The README of a cloud_api package."""
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

Both requirements files have the server's own libraries in the versions that were tested.

The service has no login: put it behind a proxy with one before others can reach it. Each core has a
worker process. A file that takes a worker longer than `--seconds` (10) or more memory than
`--memory` (1500 MB) is answered with 422, and the worker is replaced. If there are more requests
than it can answer, it answers 503 with Retry-After; bodies that are too large or too slow get 413
and 408. `/health` is answered even under full load, with 503 if no worker can load the package.
`/metrics` is for Prometheus: requests, refusals, replaced workers.
"""


def golden(noun: str, counts: tuple[int, int], size: int, labels: str) -> str:
    """The README's section on golden samples, so that nobody ships samples unknowingly. `counts`:
    how many are from the dataset and how many generated. `size`: their bytes. `labels`: how many
    labels they cover, of how many."""
    own, generated = counts
    kinds = [f"small copies of {own} of your test {noun}s"] if own else []
    kinds.append(f"{generated} generated {noun}s")
    hint = (
        f"Set `deploy.golden_samples: generated` for a package without any of your {noun}s."
        if own
        else f"None of your own {noun}s is in this package."
    )
    return f"""
## Golden samples

`golden/` has {" and ".join(kinds)} ({size // 1000} kB): those whose answers change first
if a machine computes differently. They cover {labels} labels. `selftest` answers them all, and says
how many keep their answer on this machine. {hint}
"""


def sure(found: SureAnswers) -> str:
    """The README's section on how many sure answers were right in the package's test; empty if no
    answer can be sure."""
    if found.least is None:
        return ""
    lines = fill(found.summary, 100, break_on_hyphens=False)
    return f"\n## How often sure answers are right\n\n{lines}\n"


def processors(found: Sequence[Statement]) -> str:
    """The README's section on the processors for which the package was verified, and how."""
    rows = "".join(
        f"- {processor.instruction_set}: {processor.statement}. {capital(processor.basis)}.\n"
        for processor in found
    )
    return f"""
## Processors

An 8-bit network may give other answers on another processor. This package was verified for these
(`instruction_sets.json` has the same as data):

{rows}
On other processors it refuses to answer unless it is started with `--untested`; `selftest` says
whether it answers correctly there.
"""


def verified_parts(statements: Sequence[str]) -> str:
    """The README's section on what the target verified beside the selftest, and what not."""
    rows = "".join(f"- {statement}\n" for statement in statements)
    return f"\n## What else was verified, and what was not\n\n{rows}"


def _rejecting(content: Content) -> str:
    other = rejected_label(content.description["after"], content.description["labels"])
    if not other:
        return ""
    noun = content.modality.noun
    return f"\n'{line(other)}' first means that the {noun} has none of the other labels."


def _file(content: Content) -> str:
    """The name of a sample in examples: photo.jpg, clip.wav."""
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
    """A Dockerfile whose image runs as an unprivileged user and is tested while it is built."""
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
