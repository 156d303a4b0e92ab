"""What a page shall show is waited for, however slow the machine is."""

from playwright.async_api import expect

PATIENT_MS = 60_000
expect.set_options(timeout=PATIENT_MS)
