#!/usr/bin/env python3
"""Makes the bundled fonts from the Inter package of the distribution.

Usage: prepare.py FOLDER_WITH_INTER_OTF

Keeps the Latin characters that the screens use and makes the tabular figures the only ones, so that a
column of prices or a clock never moves. Needs fonttools.
"""
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

WEIGHTS = ["Regular", "SemiBold", "Bold"]
CHARACTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x2010, 0x2040), 0x20AC, 0x2122, 0x2190,
              0x2191, 0x2192, 0x2193, 0x2212, 0x2215, 0x2248, 0x2264, 0x2265, 0x25CF, 0x25CB]


def tabular(font: TTFont) -> None:
    """Lets every figure be drawn by its tabular form."""
    table = font["GSUB"].table
    swaps = {}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for step in table.LookupList.Lookup[index].SubTable:
                    swaps.update(getattr(step, "ExtSubTable", step).mapping)
    for cmap in font["cmap"].tables:
        for code, glyph in list(cmap.cmap.items()):
            if code < 0x80:
                cmap.cmap[code] = swaps.get(glyph, glyph)


def main() -> None:
    source, here = Path(sys.argv[1]), Path(__file__).parent
    for weight in WEIGHTS:
        font = TTFont(source / f"Inter-{weight}.otf")
        tabular(font)
        options = subset.Options(layout_features=["kern", "mark", "mkmk", "ccmp", "locl"], hinting=False,
                                 name_IDs=["*"], notdef_outline=True)
        worker = subset.Subsetter(options)
        worker.populate(unicodes=CHARACTERS)
        worker.subset(font)
        font.save(here / f"Inter-{weight}.otf")


main()
