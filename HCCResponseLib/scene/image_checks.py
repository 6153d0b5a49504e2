"""What an examination lacks for the steps of the work, and what of its images does not fit together."""

from ..errors import GeometryError, InputError
from ..response.roles import Role
from .roles import role
from .study_nodes import image_of_study, volumes_of_study
from .volumes import volume_geometry

__all__ = ["image_notes"]

_AFTER_CONTRAST = (Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED)
_PRE_T1 = (Role.T1, Role.T1_IN_PHASE, Role.T1_OPPOSED_PHASE, Role.T1_FAT_SUPPRESSED, Role.NATIVE)
_NEEDED = (
    (_PRE_T1, "No T1-weighted image before contrast: T1 cannot be graded."),
    ((Role.T2_FAT_SUPPRESSED, Role.T2, Role.HASTE), "No T2-weighted image: T2 cannot be graded."),
    ((Role.NATIVE, Role.SUBTRACTION), "No image before contrast that fits the phases: necrosis needs one, or a subtraction."),
    ((*_AFTER_CONTRAST, Role.SUBTRACTION), "No image after contrast: necrosis and viable diameters cannot be measured."),
    ((Role.DWI, Role.ADC), "No diffusion-weighted images: there is no ADC."),
    ((Role.DCE,), "No dynamic series: there is no Ktrans."),
)
_ONE_OF_A_KIND = (Role.NATIVE, *_AFTER_CONTRAST, Role.HEPATOBILIARY, Role.SUBTRACTION, Role.DCE)


def image_notes(study_item: int) -> list[str]:
    """Return a sentence for everything that stands in the way: missing images, roles given twice, phases on different grids."""
    nodes = [node for node in volumes_of_study(study_item) if role(node) is not None]
    by_role: dict[Role, list] = {}
    for node in nodes:
        by_role.setdefault(role(node), []).append(node)
    notes = [sentence for roles, sentence in _NEEDED if not any(one in by_role for one in roles)]
    if len(by_role.get(Role.VFA, ())) < 2 and Role.T1_MAP not in by_role and Role.DCE in by_role:
        notes.append("Fewer than two flip angles: Ktrans will rest on an assumed T1.")
    for one in _ONE_OF_A_KIND:
        if len(by_role.get(one, ())) > 1:
            taken = image_of_study(study_item, one)
            notes.append(f"{one.title}: of {len(by_role[one])} images '{taken.GetName()}' is used; give the others another role to choose.")
    unknown = [node for node in volumes_of_study(study_item) if role(node) is None]
    if unknown:
        names = ", ".join(f"'{node.GetName()}'" for node in unknown[:3]) + (" and others" if len(unknown) > 3 else "")
        notes.append(f"Nobody said yet what {names} show{'s' if len(unknown) == 1 else ''}.")
    return notes + _different_grids([node for one in (Role.NATIVE, *_AFTER_CONTRAST) for node in by_role.get(one, ())])


def _different_grids(nodes: list) -> list[str]:
    try:
        grids = [(node, volume_geometry(node, world=True)) for node in nodes]
    except (InputError, GeometryError) as error:
        return [str(error)]
    different = [node for node, grid in grids[1:] if not grid.matches(grids[0][1])]
    if not different:
        return []
    names = ", ".join(f"'{node.GetName()}'" for node in different)
    return [f"{names} lies on another grid than '{nodes[0].GetName()}'; the subtraction is interpolated."]
