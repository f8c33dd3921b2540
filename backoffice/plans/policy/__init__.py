"""What the company grants by itself: the policy for businesses and for consumers."""
