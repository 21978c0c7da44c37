"""AI Workflow's product: the four stages, and everything that they use."""

import warnings

# Paddle advises a compiler cache when it is imported; nothing is compiled here.
warnings.filterwarnings("ignore", message="No ccache found")
