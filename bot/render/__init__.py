"""How what Tandem knows is shown: words, JSON, the terminal, Slack's blocks. The only modules with layout in them."""
