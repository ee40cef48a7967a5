"""What happens, without HTTP: starting, showing and submitting each kind of flow."""
