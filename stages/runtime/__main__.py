"""The package's own commands: python -m <name>_sdk photo.jpg"""

import sys

from .commands import main

if __name__ == "__main__":
    sys.exit(main())
