"""Social sign-in: somebody proves to be somebody at a provider. What a provider is and says is in limen/social."""

from __future__ import annotations

from limen.flow.method import Method
from limen.methods.oidc import settings, sign_in, sign_up
from limen.methods.oidc.common import ID

METHOD = Method(id=ID, login=sign_in.PART, registration=sign_up.PART, settings=settings.PART)
