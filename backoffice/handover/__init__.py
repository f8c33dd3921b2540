"""What a member of staff looks after: passed on to a colleague, and nobody's once the member has left."""
