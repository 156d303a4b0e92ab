"""What is done to real servers in the scenarios: an async function of what was built each."""
