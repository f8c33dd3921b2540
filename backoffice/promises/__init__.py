"""The staff window onto promises, and the cash that they let expect."""
