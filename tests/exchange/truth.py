"""What was planted, and where: the ground truth that a sweep is held against."""

TIERS = ("hunt", "probe", "exposed", "attempt", "exploited")


class Plant:
    """One planted thing. `rules` are those that must fire at its place, which whoever writes it says with `place`.
    `keys` are what only some readers want: the chain's stage, the virtual path of a ghost, …"""
    __slots__ = ("what", "rules", "tier", "actor", "cve", "at", "path", "line", "record", "keys")

    def __init__(self, what, rules, tier, **keys):
        assert tier in TIERS
        self.what, self.rules, self.tier = what, list(rules), tier
        self.actor, self.cve = keys.pop("actor", ""), keys.pop("cve", [])
        self.at = keys.pop("at", None)
        self.path, self.line, self.record = None, 0, 0
        self.keys = keys

    def place(self, path, line=0, record=0):
        self.path, self.line, self.record = path, line, record

    def value(self):
        """For truth.json."""
        value = {"what": self.what, "rules": self.rules, "tier": self.tier, "path": self.path}
        for name in ("line", "record", "actor", "cve", "at"):
            if getattr(self, name):
                value[name] = getattr(self, name)
        return value | self.keys


class Benign(Plant):
    """Something that looks like an attack and is none: no finding of the tier attempt or above may name it."""

    def __init__(self, what, why, **keys):
        super().__init__(what, [], "hunt", **keys)
        self.keys["why"] = why

    def value(self):
        value = super().value()
        del value["rules"], value["tier"]
        return value
