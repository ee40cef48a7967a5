"""Moving in from elsewhere: people, what they sign in with, and the sessions they have."""
