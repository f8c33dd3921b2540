"""Who works at the desk: staff, their second factor, their sessions, and what each role may do."""
