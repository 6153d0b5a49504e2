"""Everything that is true of the reference patient, as plain values for JSON."""

from datetime import timedelta

import numpy as np
from pydicom.uid import generate_uid

from ..signals import ivim
from .examination import GRIDS, REGIONS, Examination
from .lesions import LESIONS, PARTS, Lesion
from .patient import THERAPY_START, ReferencePatient
from .protocol import B_VALUES, DCE_INTERVAL_S, RELAXIVITY, GradientEcho, SeriesPlan
from .sections import section_diameters
from .structure import ORGANS, TRUNK
from .tissues import PORTAL_DELAY_S, PORTAL_TRANSIT_S, TISSUES, Blood, DualInput, Tissue

__all__ = ["TRUTH_VERSION", "patient_truth", "true_adc"]

TRUTH_VERSION = 1

NOTES = {
    "volumes": "mL, from the formulas of the outlines; viable + non-enhancing = volume",
    "nv_over_tv": "non-enhancing (necrotic and haemorrhagic) volume over the volume of the lesion",
    "centre_lps": "mm; the point that the outline is drawn around, up to 4 mm from the centroid",
    "diameters": "mm, in the acquisition plane; viable: longest line that meets no dead tissue",
    "grades": "van den Bos, 1 markedly hypointense to 5 markedly hyperintense against liver; contrasts are of the part that fills most of "
    "the lesion, in units of the liver's spread (noise and texture)",
    "adc": "mm2/s; where perfusion_fraction is not 0, adc is the D of IVIM; adc_log_linear and adc_weighted are the slopes of "
    "straight lines through ln S over the b-values of the images, unweighted and weighted with the square of the fitted signal",
    "t1_s": "s at 1.5 T; B1 is nominal everywhere",
    "perfusion": "Ktrans 1/min; extended Tofts with the arterial plasma input, delay 0 in lesions; Ktrans, ve and vp are 0 in dead tissue",
    "whole": "means over the volume of the lesion",
    "concentration": "the signal follows T1 alone (no T2* of the contrast agent, no inflow); one relaxivity for blood and tissue; each "
    "injection starts from nothing",
    "aorta": "voxels that blood alone fills show the arterial input; voxels at the wall show less of it",
    "phase_times": "s after the start of the injection, when the centre of k-space is read",
    "motion": "4 x 4 LPS matrices; organs moves the lesions, trunk the spine, the wall and the aorta",
}


def patient_truth(patient: ReferencePatient) -> dict:
    """Return all that is true of a patient."""
    return {
        "version": TRUTH_VERSION,
        "notes": NOTES,
        "patient_id": patient.patient_id,
        "patient_name": patient.name,
        "seed": patient.seed,
        "small": patient.small,
        "therapy_start": THERAPY_START.isoformat(),
        "field_t": 1.5,
        "relaxivity_per_s_mm": RELAXIVITY,
        "tissues": {name: _tissue(tissue) for name, tissue in TISSUES.items()},
        "examinations": [_examination(patient, examination) for examination in patient.examinations],
    }


def true_adc(tissue: Tissue, b_values=B_VALUES, *, weighted: bool = False) -> float:
    """Slope of the straight line through the noise-free ln S over the b-values [mm2/s]; the tissue's own ADC where nothing is perfused.

    :param weighted: with the squares of the signals that the unweighted line predicts (Salvador et al., Hum Brain Mapp 2005;24:144-155).
    """
    b = np.asarray(b_values, float)
    logarithms = np.log(ivim(1.0, tissue.adc, tissue.d_star, tissue.perfusion_fraction, b))
    line = np.polyfit(b, logarithms, 1)
    if weighted:
        line = np.polyfit(b, logarithms, 1, w=np.exp(np.polyval(line, b)))
    return -float(line[0])


def tracking_uid(patient: ReferencePatient, lesion: Lesion) -> str:
    """Return the tracking UID of a lesion."""
    return str(generate_uid(entropy_srcs=[patient.patient_id, lesion.identifier]))


def _examination(patient: ReferencePatient, examination: Examination) -> dict:
    first = patient.examinations[0]
    lesions = [_lesion(patient, examination, lesion) for lesion in LESIONS]
    therapy_days = (examination.start.date() - THERAPY_START).days
    return {
        "index": examination.index,
        "name": examination.name,
        "date": examination.start.date().isoformat(),
        "weeks_from_baseline": examination.weeks,
        "days_from_therapy_start": therapy_days,
        "treatment": examination.treatment,
        "hematocrit": examination.hematocrit,
        "motion": {
            "trunk": examination.motions[TRUNK].tolist(),
            "organs": examination.motions[ORGANS].tolist(),
            "organs_from_baseline": (examination.motions[ORGANS] @ np.linalg.inv(first.motions[ORGANS])).tolist(),
        },
        "grids": {grid: _grid(examination, grid) for grid in GRIDS},
        "outlines": {"lesions": [lesion.identifier for lesion in LESIONS], **REGIONS},
        "perfusion": _perfusion(examination),
        "series": {plan.key: _series(examination, plan) for plan in examination.plans},
        "lesions": lesions,
        "sum_longest_diameters_mm": sum(lesion["longest_diameter_mm"] for lesion in lesions),
        "sum_viable_diameters_mm": sum(lesion["viable_diameter_mm"] for lesion in lesions),
    }


def _grid(examination: Examination, grid: str) -> dict:
    geometry = examination.geometry(grid)
    return {"shape_kji": list(geometry.shape), "spacing_mm": list(geometry.spacing_mm), "ijk_to_lps": geometry.ijk_to_lps.tolist()}


def _series(examination: Examination, plan: SeriesPlan) -> dict:
    sequence = plan.sequence
    return {
        "number": plan.number,
        "description": plan.description,
        "role": str(plan.role),
        "grid": plan.grid,
        "start": (examination.start + timedelta(minutes=plan.minutes)).isoformat(),
        "echo_time_s": sequence.echo_time_s,
        "repetition_time_s": sequence.repetition_time_s,
        "flip_angle_deg": sequence.flip_angle_deg,
        "b_values": plan.b_values and list(plan.b_values),
        "after_injection_s": plan.after_injection_s and [round(t, 6) for t in plan.after_injection_s],
        "gain": plan.gain,
        "noise_sigma": plan.noise_sigma,
        "fat_signal": sequence.fat if isinstance(sequence, GradientEcho) else None,
    }


def _perfusion(examination: Examination) -> dict:
    plan = next(plan for plan in examination.plans if plan.key == "DCE")
    times = np.array(plan.after_injection_s)
    inputs = examination.inputs
    return {
        "interval_s": DCE_INTERVAL_S,
        "frame_times_s": [round(t, 6) for t in times - times[0]],
        "injection_s": round(-times[0], 6),
        "arterial_input": "Parker et al., Magn Reson Med 2006;56:993-1000",
        "arterial_input_start_s": round(examination.bolus_transit_s - times[0], 6),
        "portal_input": "arterial input after a delay, through one well-mixed compartment",
        "portal_delay_s": PORTAL_DELAY_S,
        "portal_transit_s": PORTAL_TRANSIT_S,
        "arterial_plasma_mm": inputs.arterial(times).tolist(),
        "portal_plasma_mm": inputs.portal(times).tolist(),
    }


def _tissue(tissue: Tissue) -> dict:
    agent = tissue.enhancement
    known = {
        "density": tissue.density,
        "t1_s": tissue.t1_s,
        "t2_s": tissue.t2_s,
        "t2_star_s": tissue.t2_star_s,
        "fat": tissue.fat,
        "adc": tissue.adc,
        "perfusion_fraction": tissue.perfusion_fraction,
        "d_star": tissue.d_star if tissue.perfusion_fraction else None,
        "adc_log_linear": true_adc(tissue),
        "adc_weighted": true_adc(tissue, weighted=True),
    }
    if isinstance(agent, Blood):
        return {**known, "model": "blood", "input": agent.vessel}
    if isinstance(agent, DualInput):
        return {
            **known, "model": "dual_input_extended_tofts",
            "arterial_fraction": agent.arterial_fraction, "ktrans": agent.ktrans, "ve": agent.ve, "vp": agent.vp,
        }
    enhances = agent.ktrans > 0 or agent.vp > 0
    return {
        **known, "model": "extended_tofts" if enhances else "none",
        "ktrans": agent.ktrans, "ve": agent.ve if enhances else 0.0, "vp": agent.vp, "delay_s": agent.delay_s,
    }


def _lesion(patient: ReferencePatient, examination: Examination, lesion: Lesion) -> dict:
    index = examination.index
    state, shape, dead = lesion.states[index], lesion.shape(index), lesion.dead_shape(index)
    motion = examination.motions[ORGANS]
    diameters = section_diameters(shape, dead, motion, examination.lattice.direction_lps)
    volumes = dict.fromkeys(PARTS, 0.0)
    tissues = {"viable": state.viable}
    if dead is not None:
        volumes[state.dead_part] = dead.volume_ml
        tissues[state.dead_part] = state.dead
    volumes["viable"] = shape.volume_ml - sum(volumes.values())
    fractions = {part: volume / shape.volume_ml for part, volume in volumes.items()}
    return {
        "identifier": lesion.identifier,
        "tracking_uid": tracking_uid(patient, lesion),
        "site": lesion.site,
        "course": lesion.course,
        "centre_lps": (motion[:3, :3] @ shape.centre + motion[:3, 3]).tolist(),
        "volume_ml": shape.volume_ml,
        "viable_ml": volumes["viable"],
        "necrotic_ml": volumes["necrotic"],
        "haemorrhagic_ml": volumes["haemorrhagic"],
        "nv_over_tv": fractions["necrotic"] + fractions["haemorrhagic"],
        "necrotic_fraction": fractions["necrotic"],
        "haemorrhage_fraction": fractions["haemorrhagic"],
        "longest_diameter_mm": diameters.longest_mm,
        "perpendicular_diameter_mm": diameters.perpendicular_mm,
        "viable_diameter_mm": diameters.viable_mm,
        "longest_diameter_ends_lps": diameters.ends_lps.tolist(),
        "t1_grade": state.t1_grade,
        "t2_grade": state.t2_grade,
        "contrasts": _contrasts(examination, tissues, fractions),
        "parts": {part: {"volume_ml": volumes[part], **_tissue(tissue)} for part, tissue in tissues.items()},
        "whole": {
            "adc": sum(fractions[part] * tissue.adc for part, tissue in tissues.items()),
            "t1_s": sum(fractions[part] * tissue.t1_s for part, tissue in tissues.items()),
            "ktrans": sum(fractions[part] * tissue.enhancement.ktrans for part, tissue in tissues.items()),
        },
    }


def _contrasts(examination: Examination, tissues: dict[str, Tissue], fractions: dict[str, float]) -> dict[str, float]:
    """Contrast to liver in units of the liver's spread, of the part that fills most of the lesion, in the images before contrast."""
    main, liver = tissues[max(tissues, key=fractions.get)], TISSUES["liver"]
    result = {}
    for plan in examination.plans:
        if plan.grid == "anatomy" or plan.key == "native":
            lesion_signal, liver_signal = plan.signals([main, liver])[:, 0]
            spread = liver_signal * np.hypot(1 / plan.signal_to_noise, liver.texture)
            result[plan.key] = float((lesion_signal - liver_signal) / spread)
    return result
