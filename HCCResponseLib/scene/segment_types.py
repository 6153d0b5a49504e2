"""What a segment is, as Slicer's own terminology tag: its terminology selector, DICOM SEG export and other modules read the same."""

from ..response.quantities import Code
from ..response.region_types import SITES, RegionType
from .segment_tags import get_tag, require_segment, set_tag
from .segments import segment_ids

__all__ = ["CONTEXT_NAME", "REGION_CONTEXT_NAME", "segment_site", "segment_type", "segments_of_type", "set_segment_type"]

CONTEXT_NAME = "Segmentation category and type - HCCResponse"
REGION_CONTEXT_NAME = "Anatomic codes - DICOM master list"
_TAG = "TerminologyEntry"
_NO_CODE = "^^"


def segment_type(segmentation_node, segment_id: str) -> RegionType | None:
    """Return what a segment is, told by its codes whichever terminology they were chosen from; None where it is none of ours.

    :raises InputError: there is no such segment.
    """
    entry = get_tag(require_segment(segmentation_node, segment_id), _TAG).split("~")
    if len(entry) != 7:
        return None
    code, modifier = _identity(entry[2]), _identity(entry[3])
    alike = [one for one in RegionType if _identity(_text(one.code)) == code]
    exact = [one for one in alike if _identity(_text(one.modifier)) == modifier]
    # A modifier of others (left, right) does not make it another type.
    plain = [one for one in alike if one.modifier is None]
    return next(iter(exact or plain), None)


def set_segment_type(segmentation_node, segment_id: str, region_type: RegionType, *, site: str | None = None) -> None:
    """Say what a segment is, and where in the body. Parts and reference regions get their colour; lesions keep their own.

    :param site: key of :data:`~HCCResponseLib.response.region_types.SITES`; None leaves the site as it is.
    :raises InputError: there is no such segment.
    """
    segment = require_segment(segmentation_node, segment_id)
    known = get_tag(segment, _TAG).split("~")
    region = known[4:] if len(known) == 7 else [REGION_CONTEXT_NAME, _NO_CODE, _NO_CODE]
    if site is not None:
        region = [REGION_CONTEXT_NAME, _text(SITES[site].code), _NO_CODE]
    types = [CONTEXT_NAME, _text(region_type.category), _text(region_type.code), _text(region_type.modifier)]
    set_tag(segment, _TAG, "~".join([*types, *region]))
    if not region_type.is_lesion:
        segment.SetColor(*(component / 255 for component in region_type.color))


def segment_site(segmentation_node, segment_id: str) -> str | None:
    """Return where in the body a segment is: a key of SITES; None where it does not say, or names another site.

    :raises InputError: there is no such segment.
    """
    entry = get_tag(require_segment(segmentation_node, segment_id), _TAG).split("~")
    if len(entry) != 7:
        return None
    return next((name for name, site in SITES.items() if _identity(_text(site.code)) == _identity(entry[5])), None)


def segments_of_type(segmentation_node, *region_types: RegionType) -> list[str]:
    """Return the IDs of the segments that are of one of these types, in their order."""
    return [one for one in segment_ids(segmentation_node) if segment_type(segmentation_node, one) in region_types]


def _text(code: Code | None) -> str:
    return _NO_CODE if code is None else f"{code.scheme}^{code.value}^{code.meaning}"


def _identity(text: str) -> tuple[str, ...]:
    """Scheme and value: the meaning may be worded otherwise."""
    return tuple(text.split("^")[:2])
