#!/usr/bin/env python3
"""Makes the bundled fonts from the Inter package of the distribution.

Usage: prepare.py FOLDER_WITH_INTER_OTF

Keeps the Latin characters that the screens use and makes the tabular figures the only ones, so that a
column of prices or a clock never moves. For paper (folder paper) it keeps every Latin, Greek and Cyrillic
letter that names are written in. Needs fonttools.
"""
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

WEIGHTS = ["Regular", "SemiBold", "Bold"]
CHARACTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x2010, 0x2040), 0x20AC, 0x2122, 0x2190,
              0x2191, 0x2192, 0x2193, 0x2212, 0x2215, 0x2248, 0x2264, 0x2265, 0x25CF, 0x25CB]
# Latin with all its marks (Vietnamese too), Greek, Cyrillic, punctuation, currencies.
PAPER = [*range(0x20, 0x7F), *range(0xA0, 0x250), *range(0x2B0, 0x300), *range(0x370, 0x400),
         *range(0x400, 0x530), *range(0x1E00, 0x1F00), *range(0x2010, 0x2040), *range(0x20A0, 0x20C0),
         0x2116, 0x2122, 0x2190, 0x2192, 0x2212]


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
    for weight in ["Regular", "Bold"]:
        font = TTFont(source / f"Inter-{weight}.otf")
        options = subset.Options(layout_features=[], hinting=False, desubroutinize=False, name_IDs=["*"],
                                 notdef_outline=True)
        options.drop_tables += ["GSUB", "GPOS", "GDEF"]
        worker = subset.Subsetter(options)
        worker.populate(unicodes=PAPER)
        worker.subset(font)
        font.save(here / "paper" / f"Inter-{weight}.otf")


main()
