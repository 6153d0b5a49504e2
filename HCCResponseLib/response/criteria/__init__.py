"""Response criteria: each answers for every examination with a category, the numbers and rows it used, and one sentence of reason.

``assess`` runs all of them on a case. What they share: ``targets`` selects the lesions, ``reading`` the rows of one reader,
``lesion_size`` follows merged and split lesions, ``evaluation`` compares sums with the limits of a ``SizeRule``, ``non_targets`` and
``new_lesions`` add what is not measured, and ``overall`` puts the three together.
"""

from .afp import AfpResponse, afp_response, afp_responses
from .assessment import CaseAssessment, assess
from .best_response import BestResponse, best_of_categories, best_response
from .category import Assessment, Category, CriterionResult
from .cautions import Caution, CautionKind, exclusion_cautions, haemorrhage_cautions, necrotic_growth_cautions
from .choi import choi
from .discordance import Discordance, find_discordances
from .dose import ConvertedDose, LesionDose, bed, convert_as_cha, eqd2, lesion_doses
from .easl import easl
from .field import FieldResponse, field_response
from .functional_change import LesionChange, adc_changes, ktrans_changes, lesion_changes
from .horger import HorgerAssessment, HorgerCourse, first_rise, horger, necrosis_increases, score_rises
from .mdanderson import BoneMeasure, mdanderson
from .mrecist import mrecist, select_mrecist_lesions
from .overall import overall_response
from .reading import readers_of
from .recist import recist, select_recist_lesions
from .response_rate import ResponseRate, response_rate
from .targets import LesionChoice, Selection, select_lesions
from .timeline import examination_label, week_of
from .volumetric import volumetric
from .who import who

__all__ = [
    "AfpResponse",
    "Assessment",
    "BestResponse",
    "BoneMeasure",
    "CaseAssessment",
    "Category",
    "Caution",
    "CautionKind",
    "ConvertedDose",
    "CriterionResult",
    "Discordance",
    "FieldResponse",
    "HorgerAssessment",
    "HorgerCourse",
    "LesionChange",
    "LesionChoice",
    "LesionDose",
    "ResponseRate",
    "Selection",
    "adc_changes",
    "afp_response",
    "afp_responses",
    "assess",
    "bed",
    "best_of_categories",
    "best_response",
    "choi",
    "convert_as_cha",
    "easl",
    "eqd2",
    "examination_label",
    "exclusion_cautions",
    "field_response",
    "find_discordances",
    "first_rise",
    "haemorrhage_cautions",
    "horger",
    "ktrans_changes",
    "lesion_changes",
    "lesion_doses",
    "mdanderson",
    "mrecist",
    "necrosis_increases",
    "necrotic_growth_cautions",
    "overall_response",
    "readers_of",
    "recist",
    "response_rate",
    "score_rises",
    "select_lesions",
    "select_mrecist_lesions",
    "select_recist_lesions",
    "volumetric",
    "week_of",
    "who",
]
