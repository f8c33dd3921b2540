"""Paying by instalments: propose a plan, get an answer at once, agree, follow it."""
