"""Tools that know nothing of debt."""
