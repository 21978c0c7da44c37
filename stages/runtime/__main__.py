"""The package's own commands: python -m <name>_sdk photo.jpg"""

import sys

if __name__ == "__main__":
    try:
        from .commands import main
    except Exception as error:  # its seal is checked by this very code, so this comes first
        print(f"This package's own code is damaged: {error}. Copy it here anew.", file=sys.stderr)
        sys.exit(7)
    sys.exit(main())
