"""The servers that the tests of the adapters run on."""

import pytest

from sandbox.redis import builds


@pytest.fixture(params=builds(), ids=lambda build: build.name)
def build(request):
    return request.param


@pytest.fixture
def tls_build():
    found = next((build for build in builds() if build.has_tls), None)
    return found or pytest.skip("no server here was built with TLS")
