"""The other end of social sign-in: what each provider is, and the talk with it. What is made of it is in methods/oidc."""
