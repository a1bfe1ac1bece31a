#!/usr/bin/env python3
"""Checks the written result of a run from outside: check_report.py FOLDER.

report.html parses and fetches nothing; defects.geojson and defects.csv hold the same defects; the report
shows as many. Needs nothing but Python's standard library. Exit code 0 when all is well.
"""

import csv
import json
import math
import pathlib
import re
import sys
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "hr", "input"}
FETCHING = {"src", "srcset", "href", "xlink:href", "data", "poster", "action"}


class Page(HTMLParser):
    """Collects what matters and notes markup that does not nest."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.problems = []
        self.rows = []
        self.drawings = 0
        self.text = []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "script":
            self.problems.append("has a script")
        for name in FETCHING & attrs.keys():
            if not (attrs[name] or "").startswith(("#", "data:")):
                self.problems.append(f"<{tag} {name}={attrs[name]!r}> leads outside")
        if tag == "tr" and attrs.get("id", "").startswith("defect-"):
            self.rows.append(int(attrs["id"].removeprefix("defect-")))
        if tag == "svg" and attrs.get("class") == "lining":
            self.drawings += 1

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self.open[-1:]} at {self.getpos()}")
        else:
            self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def check(folder):
    """Returns what is wrong, as a list of sentences, and how many defects there are."""
    problems = []
    html = (folder / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(html)
    page.close()
    problems += [f"report.html: {p}" for p in page.problems]
    if page.open:
        problems.append(f"report.html: never closed: {page.open}")
    if not html.startswith("<!DOCTYPE html>"):
        problems.append("report.html: has no document type")
    if re.search(r"url\((?!#|['\"]?data:)", html) or "@import" in html:
        problems.append("report.html: its style leads outside")
    if page.drawings == 0:
        problems.append("report.html: the lining is not drawn")
    if "NaN" in " ".join(page.text):
        problems.append("report.html: shows NaN")

    collection = json.loads((folder / "defects.geojson").read_text(encoding="utf-8"))
    if collection.get("type") != "FeatureCollection" or collection.get("frame") != "map":
        problems.append("defects.geojson: is not a feature collection in `map`")
    features = collection["features"]
    with open(folder / "defects.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    numbers = [feature["properties"]["number"] for feature in features]
    if numbers != [int(row["number"]) for row in rows]:
        problems.append("defects.geojson and defects.csv number different defects")
    if numbers != page.rows:
        problems.append(f"report.html shows defects {page.rows}, the files {numbers}")
    if f"{len(numbers)} defect" not in " ".join(page.text):
        problems.append(f"report.html does not say that there are {len(numbers)} defects")
    for feature, row in zip(features, rows):
        problems += compare(feature, row)
    return problems, len(numbers)


def compare(feature, row):
    """What differs between a feature and its row of the table."""
    name = f"defect {row['number']}"
    properties = feature["properties"]
    if list(properties) != list(row):
        return [f"{name}: columns differ"]
    problems = []
    for key, value in properties.items():
        text = row[key]
        same = text == "" if value is None else text == value if isinstance(value, str) else float(text) == value
        if not same:
            problems.append(f"{name}: {key} is {value} in defects.geojson and {text!r} in defects.csv")
    geometry = feature["geometry"]
    points = {
        "Point": lambda c: [c],
        "LineString": lambda c: c,
        "Polygon": lambda c: [point for ring in c for point in ring],
    }[geometry["type"]](geometry["coordinates"])
    if not all(len(p) == 3 and all(math.isfinite(v) for v in p) for p in points):
        problems.append(f"{name}: a coordinate is not three finite numbers")
    middle = [properties[key] for key in ("x_m", "y_m", "z_m")]
    reach = 0.5 + properties["length_m"] + properties["chainage_max_m"] - properties["chainage_min_m"]
    reach += properties["arc_max_m"] - properties["arc_min_m"]
    if points and min(math.dist(p, middle) for p in points) > reach:
        problems.append(f"{name}: drawn far from where it is said to be")
    return problems


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    problems, count = check(pathlib.Path(sys.argv[1]))
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print(f"report of {count} defects: in order")


if __name__ == "__main__":
    main()
