"""What a flow and a method are. No behaviour: that is in selfservice and methods."""
