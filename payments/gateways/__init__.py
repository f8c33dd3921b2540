"""Where providers are spoken to: our words in, our words out."""
