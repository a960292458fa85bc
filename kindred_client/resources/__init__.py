"""The methods of the client, grouped as the API's addresses are."""
