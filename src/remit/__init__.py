"""Remit: the production runtime for LLM agents."""
