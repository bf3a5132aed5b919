"""What happens to a message: intake, pipeline, decision, reply, escalation, outbox (read them in this order)."""
