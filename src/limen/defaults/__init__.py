"""What a server without any configuration starts with."""
