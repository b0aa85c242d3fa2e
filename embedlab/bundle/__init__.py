"""A folder that installs embedlab and its lessons without a network; see ``embedlab bundle``."""
