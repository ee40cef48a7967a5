"""Messages: an outbox written in the transaction of what they tell, and a worker that delivers it."""
