"""The version, alone in a file so that everything may import it."""

VERSION = "0.1.0"
