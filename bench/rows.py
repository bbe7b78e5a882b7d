"""The table of bench/rows.txt, for who measures it."""
import dataclasses
import pathlib


@dataclasses.dataclass
class Row:
    name: str
    command: str  # Arguments of storm-bench.
    key: str  # Of what it prints, with dots between levels.
    sign: str
    must: float
    aim: float
    one: float  # What is printed is divided by it to get `unit`.
    unit: str

    def value(self, result):
        """What `result` of storm-bench --json says of this row, as printed; None: nothing."""
        for part in self.key.split("."):
            result = result[part] if result is not None else None
        return result

    def holds(self, value, bound):
        return value >= bound if self.sign == "≥" else value <= bound


def rows():
    for line in (pathlib.Path(__file__).parent / "rows.txt").read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, command, key, sign, must, aim, one, unit = (cell.rstrip() for cell in line.split("|"))
        yield Row(name, command, key, sign, float(must), float(aim), float(one), unit)
