"""The choice of the examination at the top of a panel: the same list, wording and behaviour everywhere."""

import slicer

from .choices import fillCombo

__all__ = ["ExaminationCombo"]


class ExaminationCombo:
    """A QComboBox with the examinations of the selected patient; choosing one selects it for all panels.

    Call :meth:`update` in ``updatePanel``.
    """

    def __init__(self, comboBox) -> None:
        self._comboBox = comboBox
        comboBox.connect("activated(int)", self._onActivated)

    def update(self, *, date: bool = True) -> int:
        """Show the examinations and which is selected; returns its item, 0 where there is none.

        :param date: whether dates are shown, and whose examinations they are where the scene has several patients.
        """
        from slicer.i18n import tr as _

        from HCCResponseLib.scene.selection import selected_patient, selected_study
        from HCCResponseLib.scene.study_nodes import examination_title, examinations_of_patient
        from HCCResponseLib.scene.time_points import patients

        patient, selected = selected_patient(), selected_study()
        items = examinations_of_patient(patient) if patient else []
        combo = self._comboBox
        name = slicer.mrmlScene.GetSubjectHierarchyNode().GetItemName(patient) if patient else ""
        whose = f"{name} · " if date and len(patients()) > 1 else ""
        fillCombo(combo, [(whose + examination_title(item, date=date), item) for item in items], selected)
        combo.enabled = len(items) > 1
        combo.toolTip = _("The examination to work with, in all panels.") if items else _("Import examinations in HCC Response first.")
        return selected

    def _onActivated(self, index: int) -> None:
        from HCCResponseLib.scene.selection import select_study

        select_study(int(self._comboBox.itemData(index)))
