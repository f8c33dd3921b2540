"""Answering a proposal, and what staff do with a plan: offer, change, pause, resume, end."""
