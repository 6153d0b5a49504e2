"""HCCResponse's own list of segment types for Slicer's terminology selector."""

import json
import tempfile
from pathlib import Path

import slicer

from ..response.region_types import RegionType
from .segment_types import CONTEXT_NAME

__all__ = ["load_terminology", "terminology_context"]


def load_terminology(logic=None) -> None:
    """Make our segment types known to Slicer's terminology selector, once per application.

    Codes are written into segments whether or not this was called; it adds names and colours to choose from.

    :param logic: ``vtkSlicerTerminologiesModuleLogic``; that of the application where None.
    """
    logic = logic or slicer.modules.terminologies.logic()
    if logic.IsTerminologyContextLoaded(CONTEXT_NAME):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "HCCResponse.term.json")
        path.write_text(json.dumps(terminology_context()), encoding="utf-8")
        logic.LoadTerminologyFromFile(str(path))


def terminology_context() -> dict:
    """Return our segment types as Slicer's terminology files have them (segment-context-schema)."""
    categories: dict = {}
    types: dict = {}
    for one in RegionType:
        category = categories.setdefault(one.category, {**_json(one.category), "showAnatomy": True, "Type": []})
        if one.code not in types:
            types[one.code] = _json(one.code)
            category["Type"].append(types[one.code])
        if one.modifier is None:
            types[one.code] |= {"recommendedDisplayRGBValue": one.color, "3dSlicerLabel": one.title}
        else:
            modifier = {**_json(one.modifier), "recommendedDisplayRGBValue": one.color, "3dSlicerLabel": one.title}
            types[one.code].setdefault("Modifier", []).append(modifier)
    return {
        "SegmentationCategoryTypeContextName": CONTEXT_NAME,
        "@schema": "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/segment-context-schema.json#",
        "SegmentationCodes": {"Category": list(categories.values())},
    }


def _json(code) -> dict[str, str]:
    return {"CodeValue": code.value, "CodingSchemeDesignator": code.scheme, "CodeMeaning": code.meaning}
