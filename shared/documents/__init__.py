"""Papers: facts to PDF bytes to kept files."""
