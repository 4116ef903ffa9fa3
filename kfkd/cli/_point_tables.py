"""Tables of predicted points as text: for people, as CSV, and as JSON."""

import json

import kfkd
from kfkd.messages import count, printable, readable

__all__ = ["FORMATS", "SHOWN", "to_csv", "to_json", "to_table"]

FORMATS = ("table", "csv", "json")
SHOWN = 3  # faces, of which a terminal gets the points
_DECIMALS = 4


def to_csv(table):
    """Return a table of points as CSV: a line for each face."""
    if table.index.name != "ImageId":
        table = table.rename(index=readable, level="File")
    return table.to_csv(float_format=f"%.{_DECIMALS}f", lineterminator="\n")


def to_json(table):
    """Return a table of points as JSON, with an object for each face."""
    faces = []
    for (_, row), key in zip(table.iterrows(), _keys(table), strict=True):
        values = {name: round(float(value), _DECIMALS) for name, value in row.items()}
        boxes = [name for name in values if name.startswith("box_")]
        box = {name.removeprefix("box_"): values[name] for name in boxes}
        points = {
            point: [values[f"{point}_x"], values[f"{point}_y"]]
            for point in _points(table)
        }
        faces.append(key | ({"box": box} if box else {}) | {"points": points})
    content = {"made_by": f"kfkd {kfkd.__version__}", "faces": faces}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _keys(table):
    """Return the names of each face: ``{"file": "me.jpg", "face": 1}``."""
    if table.index.name == "ImageId":
        return [{"image_id": int(number)} for number in table.index]
    return [{"file": readable(file), "face": int(face)} for file, face in table.index]


def _points(table):
    return [name.removesuffix("_x") for name in table if name.endswith("_x")]


def to_table(table):
    """Return a table of points for people: a line for each, of the first faces."""
    points = _points(table)
    width = max(map(len, points)) + 2
    lines = []
    titles = _titles(table)[:SHOWN]
    for title, (_, row) in zip(titles, table.head(SHOWN).iterrows(), strict=True):
        lines.append(f"{title}\n{'':{width}}  {'x':>8}  {'y':>8}")
        lines += [
            f"  {point:{width}}{row[f'{point}_x']:8.2f}  {row[f'{point}_y']:8.2f}"
            for point in points
        ]
        lines.append("")
    if table.empty:
        return ""
    if len(table) > SHOWN:
        rest = count(len(table) - SHOWN, "more face")
        lines.append(f"... and {rest}: --out FILE, or a pipe, gets all as CSV")
    return "\n".join(lines).rstrip() + "\n"


def _titles(table):
    """Return what each face is called: by its image, and its number among several."""
    if table.index.name == "ImageId":
        return [f"ImageId {number}" for number in table.index]
    sizes = table.groupby(level="File").size()
    return [
        printable(file) + f", face {face} of {sizes[file]}" * bool(sizes[file] > 1)
        for file, face in table.index
    ]
