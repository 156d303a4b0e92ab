"""The API server: objects, their rules, who may do what, and how it all is asked for over HTTP."""
