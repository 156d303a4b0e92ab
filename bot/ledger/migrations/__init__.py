"""How the tables of the ledger came about, revision by revision. Applied by ``bot.ledger.schema``."""
