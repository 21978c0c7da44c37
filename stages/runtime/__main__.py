"""The package's own commands: python -m <name>_sdk photo.jpg"""

import sys

if __name__ == "__main__":
    try:
        from . import beside  # noqa: F401 - before any library
        from .commands import main
    except Exception as error:  # damage in this very code shows here, before the seal is checked
        if hasattr(error, "remedy"):
            print(error, file=sys.stderr)
        else:
            print(f"The package cannot start: {error}. Copy it here anew.", file=sys.stderr)
        sys.exit(7)
    sys.exit(main())
