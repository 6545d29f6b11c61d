"""An activation."""

from dataclasses import dataclass

from ..activations import canonical_activation, typed_activation
from ..part import Part, set_fields


@dataclass(frozen=True)
class Activation(Part):
    """An activation by name; `digest` tells a user's function from others of its name."""

    kind = recorded_at = "activation"

    name: str
    digest: str | None = None

    def _name(self) -> None:
        entry, _ = typed_activation(self.name)
        set_fields(self, name=canonical_activation(self.name), digest=entry.digest)
