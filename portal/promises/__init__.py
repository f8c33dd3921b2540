"""When I will pay."""
