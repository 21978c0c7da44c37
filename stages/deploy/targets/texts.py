"""The words and recipes that lie in a package beside its code."""

from stages.deploy.content import Content


def device_readme(content: Content) -> str:
    """How to use a device_sdk package."""
    return f"""# {content.name}: {_what(content)}

    pip install -r requirements.txt
    python -m {content.sdk} photo.jpg                    # the likeliest labels
    python -m {content.sdk} predict --json a.jpg b.jpg   # one JSON object on each line
    python -m {content.sdk} selftest                     # is it whole? does it answer rightly?
    python -m {content.sdk} info                         # labels, steps, origin

From Python, with this folder on the path:

    from pathlib import Path
    from {content.sdk}.predictor import Predictor

    with Predictor.open(Path("this/folder")) as predictor:
        print(predictor.predict(Path("photo.jpg").read_bytes()))

`report.html` tells what this very folder measured on the test photos before it was given away, and
`measured.json` says it in numbers. `SHA256SUMS` lists every file; it is checked whenever the folder
is opened, and `sha256sum --check SHA256SUMS` checks it, too.
"""


def cloud_readme(content: Content) -> str:
    """How to use a cloud_api package."""
    return f"""{device_readme(content)}
## As a service

    python -m {content.sdk} serve                        # on http://127.0.0.1:8000, pages at /docs
    curl --data-binary @photo.jpg -H "Content-Type: image/jpeg" http://127.0.0.1:8000/predict
    curl -F files=@a.jpg -F files=@b.jpg http://127.0.0.1:8000/predict

    docker build -t {content.name} .
    docker run --read-only --tmpfs /tmp -p 127.0.0.1:8000:8000 {content.name}

It has no login: put it behind a proxy that has one before others can reach it. When more is asked
than it can answer it says 503 with Retry-After; `/metrics` is for Prometheus.
"""


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
