"""The version of this package, read from its installed metadata."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("spanfit")
except PackageNotFoundError:  # used from a checkout that nobody installed
    VERSION = "0+unknown"
