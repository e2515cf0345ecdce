"""Plan: all that is needed to repeat a run; its id is the hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steelyard.version import VERSION


@dataclass(frozen=True)
class Plan:
    """A verb, the fingerprints of its inputs and every option that changes a number.

    verb: ``score`` or ``compare``. inputs: name -> content fingerprint (never a path: a moved file is the same
    plan). options: JSON values only; what does not change results (threads, language, colour) stays out.
    """

    verb: str
    inputs: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = VERSION

    @property
    def id(self) -> str:
        """Eight hexadecimal digits of the content's hash; the same content has the same id everywhere."""
        text = json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        return {
            "verb": self.verb,
            "inputs": dict(self.inputs),
            "options": dict(self.options),
            "version": self.version,
        }

    @classmethod
    def from_dict(cls, d: Mapping[str, Any]) -> Plan:
        return cls(d["verb"], d["inputs"], d["options"], d["version"])
