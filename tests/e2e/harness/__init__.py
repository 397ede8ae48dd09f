"""What the end-to-end tests share: processes, services, the agent, spans, and how spans meet the truth."""
