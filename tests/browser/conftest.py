"""What a page shall show is waited for, however slow the machine is."""

from playwright.async_api import expect

expect.set_options(timeout=60_000)
