"""Roles of a whole examination: weighting, phases by time, flip angle sets, dynamic series, and what is missing."""

import unittest
from dataclasses import replace
from datetime import datetime

from dicom_protocols import series

from HCCResponseLib.dicom import Confidence, Series, choose, missing_images, recognise, recognise_examination
from HCCResponseLib.dicom.pulse_sequence import Echo
from HCCResponseLib.errors import InputError
from HCCResponseLib.response.roles import Role

SPIN = {"echo": Echo.SPIN, "te": 80.0, "tr": 4000.0, "fa": 150.0, "volumetric": False, "train": 17}


def role(*arguments, **options) -> Role | None:
    return recognise(series(*arguments, **options)).role


def roles(*found: Series) -> dict[str, list]:
    """Roles of an examination by series number and part."""
    answer = {}
    for one in recognise_examination(found):
        for part in one.series:
            answer.setdefault(f"{part.number}{f' {part.part}' if part.part else ''}", []).append(one.role)
    return answer


def plain(*found: Series) -> list[Role | None]:
    return [one.role for one in recognise_examination(found)]


class WeightingTest(unittest.TestCase):
    def test_spin_echoes(self):
        self.assertIs(role(**SPIN), Role.T2)
        self.assertIs(role(**SPIN, fs=True), Role.T2_FAT_SUPPRESSED)
        self.assertIs(role(**SPIN, ti=160.0), Role.T2_FAT_SUPPRESSED)
        self.assertIs(role(**SPIN, ti=2200.0), Role.T2)
        self.assertIs(role(**{**SPIN, "te": 9.0, "tr": 550.0}), Role.T1)
        self.assertIs(role(**{**SPIN, "te": 9.0, "tr": 550.0}, fs=True), Role.T1_FAT_SUPPRESSED)
        self.assertIsNone(role(**{**SPIN, "te": 30.0}))
        self.assertIsNone(role(**{**SPIN, "te": 600.0}))

    def test_single_shots(self):
        self.assertIs(role(**{**SPIN, "train": 128}), Role.HASTE)
        self.assertIs(role(**SPIN, single_shot=True), Role.HASTE)
        self.assertIs(role(**SPIN, single_shot=True, fs=True), Role.HASTE)
        self.assertIsNone(role(**{**SPIN, "te": 700.0}, single_shot=True), "cholangiography")
        self.assertIs(role(**{**SPIN, "train": 120, "volumetric": True}), Role.T2, "a 3D turbo spin echo has long trains too")

    def test_in_and_opposed_phase_by_echo_time_and_field(self):
        for field, inside, opposed in ((1.5, (4.4, 4.6, 4.8), (2.2, 2.3, 2.4)), (3.0, (2.2, 2.3, 2.46), (1.1, 1.23, 1.3, 3.45))):
            for te in inside:
                self.assertIs(role(te=te, tr=150.0, field=field), Role.T1_IN_PHASE, te)
            for te in opposed:
                self.assertIs(role(te=te, tr=150.0, field=field), Role.T1_OPPOSED_PHASE, te)
        self.assertIs(role(te=1.2, field=1.5), Role.T1, "neither in nor opposed phase")
        self.assertIs(role(te=4.6, field=None), Role.T1, "without the field strength it cannot be told")
        self.assertIs(role(te=4.6, fs=True), Role.T1_FAT_SUPPRESSED, "no fat, no phase")

    def test_the_two_echoes_of_a_pair_are_sure(self):
        alone = recognise_examination([series(te=4.6, tr=150.0)])[0]
        self.assertEqual((alone.role, alone.confidence), (Role.T1_IN_PHASE, Confidence.LIKELY))
        pair = recognise_examination([series(number=1, te=4.6, tr=150.0), series(number=2, te=2.3, tr=150.0)])
        self.assertEqual([(one.role, one.confidence) for one in pair],
                         [(Role.T1_IN_PHASE, Confidence.SURE), (Role.T1_OPPOSED_PHASE, Confidence.SURE)])

    def test_two_echoes_in_one_series_are_parts(self):
        first, second = series(te=2.3, tr=150.0), series(te=4.6, tr=150.0)
        both = replace(first, frames=first.frames + second.frames)
        self.assertEqual(roles(both), {"1 TE 2.3 ms": [Role.T1_OPPOSED_PHASE], "1 TE 4.6 ms": [Role.T1_IN_PHASE]})
        self.assertIs(recognise(both).role, Role.T1_OPPOSED_PHASE)

    def test_many_echoes_are_no_pair(self):
        parts = [series(te=te, tr=150.0) for te in (1.2, 2.4, 3.6, 4.8, 6.0)]
        many = replace(parts[0], frames=sum((part.frames for part in parts), ()))
        self.assertEqual(plain(many), [None])
        self.assertIn("5 echo times", recognise(many).reason)

    def test_many_spin_echoes_are_for_a_map(self):
        parts = [series(**{**SPIN, "te": te}) for te in (12.0, 25.0, 37.0, 50.0, 62.0, 75.0, 87.0, 100.0)]
        many = replace(parts[0], frames=sum((part.frames for part in parts), ()))
        self.assertEqual(plain(many), [None])
        self.assertIn("8 echo times", recognise(many).reason)

    def test_other_gradient_echoes(self):
        self.assertIsNone(role(te=18.0, tr=200.0))
        self.assertIsNone(role(te=1.6, tr=3.4, fa=60.0, balanced=True))
        self.assertIsNone(role(echo=Echo.PLANAR, te=60.0, tr=3000.0))

    def test_an_echo_that_is_not_told_follows_from_the_times(self):
        found = recognise(series(echo=Echo.UNKNOWN, fs=True))
        self.assertEqual((found.role, found.confidence), (Role.T1_FAT_SUPPRESSED, Confidence.LIKELY))
        self.assertIs(role(**{**SPIN, "echo": Echo.UNKNOWN}), Role.T2)
        self.assertIsNone(role(echo=Echo.UNKNOWN, te=9.0, tr=400.0))

    def test_fat_suppression_by_name_is_likely_only(self):
        for description in ("vibe_fs_tra", "T1 VIBE FatSat", "fettgesättigt", "saturation de la graisse", "T1 SPAIR", "T1 脂肪抑制"):
            with self.subTest(description):
                found = recognise(series(description))
                self.assertEqual((found.role, found.confidence), (Role.T1_FAT_SUPPRESSED, Confidence.LIKELY))
        for description in ("t1_vibe_tra", "t1_fsat12", "offset", "dixon FAST"):
            self.assertNotEqual(role(description, te=1.2), Role.T1_FAT_SUPPRESSED, description)

    def test_dixon_images(self):
        for image_type, expected in (
            ("DERIVED\\PRIMARY\\DIXON\\WATER", Role.T1_FAT_SUPPRESSED), ("ORIGINAL\\PRIMARY\\W\\W\\DERIVED", Role.T1_FAT_SUPPRESSED),
            ("DERIVED\\PRIMARY\\DIXON\\FAT", None), ("ORIGINAL\\PRIMARY\\F\\F\\DERIVED", None),
            ("ORIGINAL\\PRIMARY\\M\\ND\\IN_PHASE", Role.T1_IN_PHASE), ("DERIVED\\PRIMARY\\IP\\IP\\DERIVED", Role.T1_IN_PHASE),
            ("ORIGINAL\\PRIMARY\\M\\ND\\OPP_PHASE", Role.T1_OPPOSED_PHASE), ("DERIVED\\PRIMARY\\OP\\OP\\DERIVED", Role.T1_OPPOSED_PHASE),
        ):
            with self.subTest(image_type):
                self.assertIs(role(image_type=image_type), expected)

    def test_dixon_images_by_name(self):
        for description, expected in (
            ("WATER: Ax LAVA-Flex", Role.T1_FAT_SUPPRESSED), ("FAT: Ax LAVA-Flex", None), ("InPhase: Ax LAVA-Flex", Role.T1_IN_PHASE),
            ("OutPhase: Ax LAVA-Flex", Role.T1_OPPOSED_PHASE), ("t1_vibe_dixon_tra_bh_W", Role.T1_FAT_SUPPRESSED),
            ("t1_vibe_dixon_tra_bh_F", None), ("t1_vibe_dixon_tra_bh_in", Role.T1_IN_PHASE), ("t1_vibe_dixon_opp", Role.T1_OPPOSED_PHASE),
            ("mDIXON fat sat", Role.T1_FAT_SUPPRESSED),
        ):
            with self.subTest(description):
                self.assertIs(role(description, te=1.2, image_type="DERIVED\\PRIMARY\\OTHER"), expected)

    def test_all_dixon_images_in_one_series_are_parts(self):
        kinds = [series(image_type=f"ORIGINAL\\PRIMARY\\{kind}\\{kind}\\DERIVED") for kind in ("W", "F", "IP", "OP")]
        mixed = replace(kinds[0], frames=sum((one.frames for one in kinds), ()))
        self.assertEqual(
            roles(mixed),
            {"1 water": [Role.T1_FAT_SUPPRESSED], "1 fat": [None], "1 in phase": [Role.T1_IN_PHASE],
             "1 opposed phase": [Role.T1_OPPOSED_PHASE]},
        )

    def test_what_the_scanner_made(self):
        for description, image_type, expected in (
            ("t1_vibe_SUB", "DERIVED\\PRIMARY\\M", Role.SUBTRACTION), ("dyn", "DERIVED\\PRIMARY\\M\\SUB\\ND", Role.SUBTRACTION),
            ("Soustraction art", "DERIVED\\SECONDARY", Role.SUBTRACTION), ("Subtraktion", "DERIVED\\SECONDARY", Role.SUBTRACTION),
            ("减影", "DERIVED\\SECONDARY", Role.SUBTRACTION), ("subcutaneous", "ORIGINAL\\PRIMARY\\M", Role.T1_FAT_SUPPRESSED),
            ("T1_Images", "DERIVED\\PRIMARY\\T1 MAP\\ND", Role.T1_MAP), ("T1 map", "DERIVED\\SECONDARY", Role.T1_MAP),
            ("VFA for T1 map", "ORIGINAL\\PRIMARY\\M", Role.T1_FAT_SUPPRESSED), ("x", "DERIVED\\PRIMARY\\FF", None),
            ("x", "DERIVED\\PRIMARY\\M\\R2_STAR", None), ("x", "ORIGINAL\\PRIMARY\\P\\ND", None), ("MIP", "DERIVED\\SECONDARY", None),
            ("x", "DERIVED\\SECONDARY\\MPR", None), ("x", "DERIVED\\PRIMARY\\PROJECTION IMAGE\\VOLUME", None),
        ):
            with self.subTest(f"{description} {image_type}"):
                self.assertIs(role(description, image_type=image_type, fs=True), expected)

    def test_localizers(self):
        tilted = series(number=2)
        frames = [*series().frames, *(turned(frame) for frame in tilted.frames)]
        self.assertIsNone(recognise(replace(tilted, frames=tuple(frames))).role)
        for description in ("localizer", "Survey", "3-plane loc", "Repérage", "AAHScout", "定位"):
            self.assertIsNone(role(description, fs=True), description)
        self.assertIs(role("local_shim_t1", fs=True), Role.T1_FAT_SUPPRESSED)

    def test_without_physics_nothing_is_told(self):
        found = recognise(series("t1_vibe_fs_tra_art", te=None, tr=None, fa=None, echo=Echo.UNKNOWN))
        self.assertIsNone(found.role)
        self.assertIn("echo time", found.reason)

    def test_reasons_tell_the_numbers(self):
        reason = recognise(series(te=1.29, tr=4.2, fa=12.0, fs=True)).reason
        self.assertEqual(reason, "3D gradient echo, fat-suppressed (TE 1.29 ms, TR 4.2 ms, flip angle 12°).")


def turned(frame):
    return replace(frame, row_direction_lps=(0.0, 1.0, 0.0), column_direction_lps=(0.0, 0.0, -1.0))


def vibe(number: int, start: float | None, **options) -> Series:
    return series(options.pop("description", "t1_vibe_fs_tra_bh"), number, start=start, fs=True, **options)


def dynamic(*starts: float, injected: float | None = 0.0, agent: str = "Gadobutrol", begin_at: float = 1000.0) -> list[Series]:
    """Fat-suppressed series that begin ``starts`` after the injection; those after it tell agent and injection."""
    return [
        vibe(10 + n, begin_at + start, agent=agent if start >= 0 else "",
             injected=None if injected is None or start < 0 else begin_at + injected)
        for n, start in enumerate(starts)
    ]


class PhasesTest(unittest.TestCase):
    def test_phases_by_the_told_injection(self):
        found = recognise_examination(dynamic(-180.0, 15.0, 30.0, 70.0, 180.0, 300.0))
        self.assertEqual([one.role for one in found],
                         [Role.NATIVE, Role.ARTERIAL, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED, Role.DELAYED])
        self.assertEqual([one.time_s for one in found], [-180.0, 15.0, 30.0, 70.0, 180.0, 300.0])
        self.assertEqual([one.confidence for one in found],
                         [Confidence.SURE, Confidence.LIKELY, *[Confidence.SURE] * 4], "15 s is early for an arterial phase")
        self.assertEqual(
            found[2].reason,
            "It began 30 s after the injection (ContrastBolusStartTime); usual are 20 to 40 s. "
            "3D gradient echo, fat-suppressed (TE 1.3 ms, TR 4 ms, flip angle 10°).",
        )
        self.assertEqual(sum((one.warnings for one in found), ()), ())

    def test_windows(self):
        for seconds, expected in (
            (5, Role.NATIVE), (12, Role.ARTERIAL), (49, Role.ARTERIAL), (51, Role.PORTAL_VENOUS), (99, Role.PORTAL_VENOUS),
            (101, Role.DELAYED), (530, Role.DELAYED), (600, Role.HEPATOBILIARY), (1200, Role.HEPATOBILIARY),
        ):
            with self.subTest(seconds):
                self.assertIs(recognise_examination(dynamic(-60.0, seconds, agent="Primovist"))[1].role, expected)

    def test_late_phases_depend_on_the_agent(self):
        for agent, expected in (
            ("Gadoxetate disodium", Role.HEPATOBILIARY), ("EOVIST", Role.HEPATOBILIARY), ("Gd-EOB-DTPA", Role.HEPATOBILIARY),
            ("contrast", Role.HEPATOBILIARY), ("Gadovist", Role.DELAYED), ("DOTAREM 15 ml", Role.DELAYED), ("MultiHance", Role.DELAYED),
        ):
            with self.subTest(agent):
                self.assertIs(recognise_examination(dynamic(-60.0, 30.0, 1200.0, agent=agent))[2].role, expected)
        self.assertIs(recognise_examination(dynamic(-60.0, 30.0, 4800.0, agent="MultiHance"))[2].role, Role.HEPATOBILIARY)

    def test_a_late_phase_after_an_agent_that_is_not_named_is_not_sure(self):
        late = recognise_examination(dynamic(-60.0, 30.0, 620.0, agent="contrast"))[2]
        self.assertEqual((late.role, late.confidence), (Role.HEPATOBILIARY, Confidence.LIKELY))
        self.assertRegex(late.warnings[0], "do not name the contrast agent; after an extracellular one it is a delayed phase")
        known = recognise_examination(dynamic(-60.0, 30.0, 1200.0, agent="Primovist"))[2]
        self.assertEqual((known.confidence, known.warnings), (Confidence.SURE, ()))
        named = [*dynamic(-60.0, 30.0, agent="contrast"), vibe(20, 2200.0, description="VIBE HBP", agent="contrast", injected=1000.0)]
        self.assertEqual(recognise_examination(named)[2].warnings, ())

    def test_late_minutes_after_an_extracellular_agent_are_a_delayed_phase(self):
        for start in (1640.0, None):
            late = [*dynamic(-60.0, 30.0, 70.0, injected=None), vibe(20, start, description="VIBE 10 min", agent="Gadobutrol")]
            found = recognise_examination(late)[3]
            self.assertEqual((found.role, found.warnings), (Role.DELAYED, ()))
            late[-1] = vibe(20, start, description="VIBE HBP", agent="Gadobutrol")
            found = recognise_examination(late)[3]
            self.assertIs(found.role, Role.HEPATOBILIARY)
            self.assertRegex(" ".join(found.warnings), "extracellular and has none; check its role")

    def test_several_phases_in_one_series(self):
        multi = vibe(5, 1000.0, times=(0.0, 8.0, 16.0, 60.0), agent="Gadobutrol", injected=980.0)
        found = recognise_examination([vibe(4, 800.0), multi])
        self.assertEqual([one.role for one in found],
                         [Role.NATIVE, Role.ARTERIAL, Role.ARTERIAL, Role.ARTERIAL, Role.PORTAL_VENOUS])
        self.assertEqual(found[1].series[0].label, "Series 5 't1_vibe_fs_tra_bh' (time point 1 of 4)")
        self.assertEqual([len(one.series[0].frames) for one in found], [3] * 5)
        self.assertEqual([one.time_s for one in found[1:]], [20.0, 28.0, 36.0, 80.0])
        self.assertEqual(choose(found, Role.ARTERIAL).time_s, 28.0, "the nearest to the usual 30 s")

    def test_a_native_time_point_inside_a_series(self):
        multi = vibe(5, 1000.0, times=(0.0, 50.0, 90.0), agent="Gadobutrol", injected=1020.0)
        self.assertEqual(plain(multi), [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS])

    def test_injection_inferred_from_the_agent(self):
        found = recognise_examination(dynamic(-100.0, 30.0, 72.0, 180.0, injected=None))
        self.assertEqual([one.role for one in found], [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED])
        self.assertEqual({one.confidence for one in found}, {Confidence.LIKELY})
        self.assertIn("72 s after an injection that the headers do not time (Series 11 't1_vibe_fs_tra_bh' is taken for the arterial "
                      "phase, 30 s after it)", found[2].reason)

    def test_the_injection_is_not_before_the_native_images(self):
        found = recognise_examination([vibe(1, 1000.0), *(vibe(n, t, agent="Gadobutrol") for n, t in ((2, 1020.0), (3, 1070.0)))])
        self.assertEqual([one.time_s for one in found], [0.0, 20.0, 70.0])
        self.assertEqual([one.role for one in found], [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS])

    def test_names_calibrate_an_inferred_injection(self):
        found = recognise_examination([
            vibe(1, 500.0), vibe(2, 1000.0, agent="Gadobutrol", description="VIBE portal venös"), vibe(3, 1110.0, agent="Gadobutrol"),
        ])
        self.assertEqual([one.role for one in found], [Role.NATIVE, Role.PORTAL_VENOUS, Role.DELAYED])
        self.assertEqual([one.time_s for one in found[1:]], [70.0, 180.0])

    def test_a_long_break_before_the_first_images_is_doubtful(self):
        found = recognise_examination(dynamic(-900.0, 30.0, 60.0, injected=None))
        self.assertEqual(found[1].confidence, Confidence.DOUBTFUL)
        self.assertRegex(" ".join(found[1].warnings), "16 min lie between .* check the phases")

    def test_a_bolus_time_copied_from_the_images_is_not_believed(self):
        found = recognise_examination([vibe(1, 900.0)] + [
            vibe(n, t, agent="Gadobutrol", injected=t) for n, t in ((2, 1000.0), (3, 1040.0), (4, 1150.0))
        ])
        self.assertEqual([one.role for one in found], [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED])
        self.assertRegex(" ".join(found[1].warnings), "time at which images were acquired .so in 3 acquisitions. and was not believed")

    def test_a_bolus_time_copied_from_the_first_phase_is_not_believed(self):
        found = recognise_examination([vibe(1, 900.0)] + [
            vibe(n, t, agent="Gadobutrol", injected=1000.0) for n, t in ((2, 1000.0), (3, 1040.0), (4, 1150.0))
        ])
        self.assertEqual([one.role for one in found], [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED])

    def test_slices_without_fat_suppression_after_contrast(self):
        flash = {"te": 4.6, "tr": 150.0, "volumetric": False}
        found = recognise_examination([
            series("fl2d", 1, start=0.0, **flash),
            *(series("fl2d", n, start=t, agent="Magnevist", injected=200.0, **flash) for n, t in ((2, 230.0), (3, 270.0))),
        ])
        self.assertEqual([one.role for one in found], [Role.T1_IN_PHASE, Role.ARTERIAL, Role.PORTAL_VENOUS])
        self.assertEqual(found[1].confidence, Confidence.LIKELY)

    def test_an_injection_after_all_these_images(self):
        found = recognise_examination([
            *(vibe(n, 50.0 * n) for n in range(1, 5)),
            vibe(9, 1000.0, times=DynamicSeriesTest.TIMES, columns=12, agent="Gadovist", injected=1010.0),
        ])
        self.assertEqual([one.role for one in found], [*[Role.T1_FAT_SUPPRESSED] * 4, Role.DCE], "repetitions are no phases")

    def test_agent_named_in_every_series(self):
        found = recognise_examination([vibe(n, t, agent="Gadovist") for n, t in ((1, 0.0), (2, 200.0), (3, 240.0), (4, 380.0))])
        self.assertEqual([one.role for one in found], [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED])
        self.assertEqual({one.confidence for one in found}, {Confidence.DOUBTFUL})
        self.assertRegex(" ".join(found[1].warnings), "check the phases")
        single = recognise_examination([vibe(1, 0.0, agent="Gadovist")])[0]
        self.assertIs(single.role, Role.T1_FAT_SUPPRESSED)
        self.assertRegex(" ".join(single.warnings), "phase cannot be told")

    def test_without_any_sign_of_contrast(self):
        self.assertEqual(plain(vibe(1, 0.0), vibe(2, 60.0)), [Role.T1_FAT_SUPPRESSED] * 2, "a repetition is no phase")
        four = recognise_examination([vibe(n, t) for n, t in ((1, 0.0), (2, 200.0), (3, 240.0), (4, 380.0))])
        self.assertEqual([one.role for one in four], [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED])
        self.assertEqual({one.confidence for one in four}, {Confidence.DOUBTFUL})
        others = [vibe(n, t, columns=10 + n) for n, t in ((1, 0.0), (2, 200.0), (3, 240.0), (4, 380.0))]
        self.assertEqual(plain(*others), [Role.T1_FAT_SUPPRESSED] * 4, "different protocols are no phases")

    def test_names_without_agent(self):
        found = recognise_examination([
            vibe(1, 0.0, description="LAVA pre"), vibe(2, 200.0, description="LAVA ART"), vibe(3, 245.0, description="LAVA PV"),
            vibe(4, 1400.0, description="LAVA HBP 20 min"),
        ])
        self.assertEqual([one.role for one in found], [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.HEPATOBILIARY])
        self.assertEqual({one.confidence for one in found}, {Confidence.LIKELY})

    def test_without_times_names_are_all_there_is(self):
        for description, expected in (
            ("VIBE arteriell", Role.ARTERIAL), ("phase artérielle tardive", Role.ARTERIAL), ("late arterial", Role.ARTERIAL),
            ("fase portale", Role.PORTAL_VENOUS), ("temps portal", Role.PORTAL_VENOUS), ("門脈相", Role.PORTAL_VENOUS),
            ("fase tardía", Role.DELAYED), ("Spätphase 5 min", Role.DELAYED), ("equilibrium", Role.DELAYED), ("平衡期", Role.DELAYED),
            ("hepatobiliäre Phase", Role.HEPATOBILIARY), ("T1 20min", Role.HEPATOBILIARY), ("肝胆期", Role.HEPATOBILIARY),
            ("t1_vibe_trans", Role.T1_FAT_SUPPRESSED), ("starvibe", Role.T1_FAT_SUPPRESSED), ("cartilage", Role.T1_FAT_SUPPRESSED),
            ("art + pv + delayed", Role.T1_FAT_SUPPRESSED), ("Delphi", Role.T1_FAT_SUPPRESSED),
        ):
            with self.subTest(description):
                found = recognise_examination([vibe(1, None, description=description)])[0]
                self.assertIs(found.role, expected)
                if expected is not Role.T1_FAT_SUPPRESSED:
                    self.assertIs(found.confidence, Confidence.DOUBTFUL)

    def test_the_told_time_wins_over_the_name(self):
        found = recognise_examination([vibe(1, 0.0), vibe(2, 130.0, description="VIBE portal", agent="Gadovist", injected=100.0)])[1]
        self.assertEqual((found.role, found.confidence), (Role.ARTERIAL, Confidence.LIKELY))
        self.assertRegex(found.warnings[0], "name says portal venous phase, its time arterial phase")

    def test_native_needs_a_counterpart_after_contrast(self):
        coronal = series("t1_fl2d_fs_cor", 1, start=0.0, fs=True, volumetric=False, te=4.0, tr=120.0)
        self.assertEqual(plain(coronal, *dynamic(-60.0, 30.0, 70.0)),
                         [Role.T1_FAT_SUPPRESSED, Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS])

    def test_a_hepatobiliary_phase_of_another_protocol(self):
        late = vibe(30, 2200.0, fa=30.0, columns=12, agent="Primovist", injected=1000.0)
        self.assertEqual(plain(*dynamic(-60.0, 30.0, 70.0, agent="Primovist"), late)[-1], Role.HEPATOBILIARY)

    def test_in_phase_after_contrast_is_of_no_use(self):
        pair = [series(number=20 + n, te=te, tr=150.0, start=1500.0, volumetric=False) for n, te in enumerate((2.3, 4.6))]
        found = recognise_examination([*dynamic(-60.0, 30.0), *pair])
        self.assertEqual([one.role for one in found[2:]], [None, None])
        self.assertIn("began 8.3 min after the injection", found[2].reason)

    def test_volumes_without_fat_suppression_are_phases_too(self):
        found = plain(series(number=1, start=0.0, te=1.1), series(number=2, start=130.0, te=1.1, agent="Gadovist", injected=100.0))
        self.assertEqual(found, [Role.NATIVE, Role.ARTERIAL])

    def test_over_midnight(self):
        late = datetime(2024, 3, 1, 23, 58)
        known = [vibe(1, 0.0, begin=late), vibe(2, 130.0, begin=late, agent="Gadovist", injected=100.0),
                 vibe(3, 175.0, begin=late, agent="Gadovist", injected=100.0)]
        self.assertEqual(plain(*known), [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS])
        # scanners that keep the date of the study
        wrong = datetime(2024, 2, 29, 23, 58)
        stuck = [known[0], *(vibe(n, s, begin=wrong, agent="Gadovist", injected=100.0) for n, s in ((2, 130.0), (3, 175.0)))]
        self.assertEqual(stuck[1].frames[0].acquired.isoformat(), "2024-03-01T00:00:10")
        self.assertEqual(plain(*stuck), [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS])

    def test_two_injections(self):
        first, second = dynamic(-60.0, 30.0, 70.0), dynamic(30.0, 70.0, begin_at=2500.0)
        for n, one in enumerate(second):
            second[n] = replace(one, number=40 + n, series_uid=f"1.2.{40 + n}")
        self.assertEqual(plain(*first, *second),
                         [Role.NATIVE, Role.ARTERIAL, Role.PORTAL_VENOUS, Role.ARTERIAL, Role.PORTAL_VENOUS])


class FlipAngleSetsTest(unittest.TestCase):
    def set_of(self, *angles: float, step: float = 30.0, **options) -> list[Series]:
        return [series("t1_vibe", 3 + n, fa=fa, start=100.0 + step * n, **options) for n, fa in enumerate(angles)]

    def test_several_series(self):
        found = recognise_examination(self.set_of(15.0, 5.0, 10.0))
        self.assertEqual([one.role for one in found], [Role.VFA])
        self.assertEqual([one.number for one in found[0].series], [4, 5, 3], "by ascending flip angle")
        self.assertIn("5, 10, 15°", found[0].reason)
        self.assertIn("TR 4 ms", found[0].reason)

    def test_one_series(self):
        one = series(times=(0.0, 5.0, 10.0), fa=(5.0, 10.0, 15.0))
        self.assertIs(recognise(one).role, Role.VFA)
        self.assertEqual(plain(one), [Role.VFA])

    def test_what_differs_in_more_than_the_angle_is_no_set(self):
        for change in ({"tr": 5.0}, {"te": 2.0}, {"columns": 10}, {"slices": 4}, {"fs": True}, {"volumetric": False}):
            with self.subTest(change):
                found = [self.set_of(5.0)[0], series("t1_vibe", 9, fa=15.0, start=130.0, **change)]
                self.assertNotIn(Role.VFA, plain(*found))

    def test_beside_a_dynamic_series_of_one_of_the_angles(self):
        phases = [series("vibe", 20 + n, fa=15.0, start=start, agent="Gadovist" if n else "", injected=980.0 if n else None)
                  for n, start in enumerate((900.0, 1010.0, 1050.0))]
        known = {"20": [Role.NATIVE], "21": [Role.ARTERIAL], "22": [Role.PORTAL_VENOUS]}
        self.assertEqual(roles(*self.set_of(5.0, 10.0), *phases), {"3": [Role.VFA], "4": [Role.VFA], **known})
        late = [series("vibe", 3, fa=5.0, start=850.0), *phases]
        self.assertEqual(roles(*late), {"3": [Role.VFA], **known, "20": [Role.VFA, Role.NATIVE]}, "one angle borrows the native images")

    def test_a_hepatobiliary_phase_of_a_larger_angle_is_no_set(self):
        found = plain(vibe(1, 0.0, fa=10.0), vibe(2, 130.0, fa=10.0), vibe(3, 1400.0, fa=30.0))
        self.assertNotIn(Role.VFA, found)

    def test_after_contrast_there_is_no_set(self):
        options = {"agent": "Gadovist", "injected": 1000.0}
        after = [series("vfa", 30 + n, fa=fa, start=1500.0 + n, **options) for n, fa in enumerate((5.0, 10.0, 15.0))]
        self.assertNotIn(Role.VFA, plain(*dynamic(-60.0, 30.0), *after))

    def test_angles_over_90_degrees_are_for_a_map_of_b1(self):
        self.assertIsNone(recognise(series("DAM", times=(0.0, 10.0), fa=(60.0, 120.0), te=5.0, tr=1000.0)).role)
        self.assertIs(recognise(series("VFA", times=(0.0, 10.0), fa=(5.0, 15.0))).role, Role.VFA)

    def test_two_angles_are_likely(self):
        found = recognise_examination(self.set_of(3.0, 15.0))
        self.assertEqual([(one.role, one.confidence) for one in found], [(Role.VFA, Confidence.LIKELY)])
        self.assertNotIn(Role.VFA, plain(*self.set_of(3.0, 15.0, step=400.0)))
        named = [series(f"vibe fa{fa:g}", n, fa=fa, start=400.0 * n) for n, fa in enumerate((3.0, 15.0), start=1)]
        self.assertEqual(plain(*named), [Role.VFA])

    def test_two_sets(self):
        repeated = [series("vfa", 10 + n, fa=fa, start=10.0 * n) for n, fa in enumerate((5.0, 10.0, 15.0, 5.0, 10.0, 15.0))]
        found = recognise_examination(repeated)
        self.assertEqual([[one.number for one in set_.series] for set_ in found], [[10, 11, 12], [13, 14, 15]])


class DynamicSeriesTest(unittest.TestCase):
    TIMES = tuple(4.3 * n for n in range(12))

    def test_high_rate(self):
        found = recognise_examination([vibe(1, 0.0, times=self.TIMES, agent="Gadovist")])
        self.assertEqual([one.role for one in found], [Role.DCE])
        self.assertIn("12 time points, one every 4.3 s for 47 s", found[0].reason)
        self.assertIs(recognise(vibe(1, 0.0, times=self.TIMES)).role, Role.DCE)

    def test_of_the_images_of_a_dynamic_dixon_series_water_is_used(self):
        kinds = [vibe(1, 0.0, times=self.TIMES, image_type=f"DERIVED\\PRIMARY\\{kind}\\{kind}") for kind in ("W", "F", "IP", "OP")]
        mixed = replace(kinds[0], frames=sum((one.frames for one in kinds), ()))
        self.assertEqual(roles(mixed), {"1 water": [Role.DCE], "1 fat": [None], "1 in phase": [None], "1 opposed phase": [None]})

    def test_bolus_tracking_is_no_dynamic_series(self):
        times = tuple(float(n) for n in range(40))
        for description, slices, expected, says in (
            ("CARE Bolus", 1, None, "named as bolus tracking"), ("BolusTrak", 3, None, "named as bolus tracking"),
            ("fl2d sag", 1, None, "of one slice"), ("fl2d tra", 3, Role.DCE, "one every 1 s"),
            ("DCE one slice", 1, Role.DCE, "one every 1 s"), ("perfusion, bolus 5 mL", 3, Role.DCE, "one every 1 s"),
        ):
            with self.subTest(description):
                found = recognise(series(description, times=times, slices=slices, volumetric=False))
                self.assertIs(found.role, expected)
                self.assertIn(says, found.reason)
        tracked = [vibe(1, 0.0), series("CARE Bolus", 2, start=100.0, times=times, slices=1), *dynamic(20.0, 30.0)]
        self.assertEqual(plain(*tracked), [Role.NATIVE, None, Role.ARTERIAL, Role.ARTERIAL])

    def test_few_time_points_are_no_high_rate_series(self):
        self.assertIs(recognise(vibe(1, 0.0, times=self.TIMES[:9])).role, Role.T1_FAT_SUPPRESSED)
        self.assertIs(recognise(vibe(1, 0.0, times=tuple(60.0 * n for n in range(12)))).role, Role.T1_FAT_SUPPRESSED)

    def test_a_series_for_each_time_point(self):
        run = [vibe(100 + n, 1000.0 + t, agent="Gadovist") for n, t in enumerate(self.TIMES)]
        found = recognise_examination([vibe(1, 500.0), *run, vibe(200, 1300.0, agent="Gadovist")])
        dce = [one for one in found if one.role is Role.DCE]
        self.assertEqual([[one.number for one in two.series] for two in dce], [list(range(100, 112))])

    def test_times_that_are_not_told(self):
        found = recognise_examination([vibe(1, None, times=self.TIMES)])[0]
        self.assertIs(found.role, Role.DCE)
        self.assertRegex(" ".join(found.warnings), "Enter the times")

    def test_few_time_points_without_times(self):
        found = recognise_examination([vibe(1, None, times=(0.0, 1.0, 2.0), agent="Gadovist")])[0]
        self.assertIsNone(found.role)
        self.assertIn("several time points", found.reason)
        self.assertRegex(" ".join(found.warnings), "Enter the times")


class ExaminationTest(unittest.TestCase):
    def liver(self) -> list[Series]:
        diffusion = series("ep2d_diff", 6, echo=Echo.PLANAR, te=60.0, tr=5000.0, volumetric=False, times=(0.0, 1.0))
        frames = tuple(with_b(frame, 800.0 if n >= 3 else 0.0) for n, frame in enumerate(diffusion.frames))
        return [
            series("loc", 1, te=3.0, tr=8.0),
            series("haste", 2, **{**SPIN, "train": 128}),
            series("in", 3, te=4.6, tr=150.0, volumetric=False), series("opp", 4, te=2.3, tr=150.0, volumetric=False),
            series("t2", 5, **SPIN, fs=True),
            replace(diffusion, frames=frames),
            *dynamic(-60.0, 30.0, 70.0, 180.0),
        ]

    def test_a_complete_examination(self):
        found = recognise_examination(self.liver())
        self.assertEqual([one.role for one in found],
                         [None, Role.HASTE, Role.T1_IN_PHASE, Role.T1_OPPOSED_PHASE, Role.T2_FAT_SUPPRESSED, Role.DWI, Role.NATIVE,
                          Role.ARTERIAL, Role.PORTAL_VENOUS, Role.DELAYED])
        self.assertEqual(missing_images(found), ())
        for one in found:
            self.assertTrue(one.reason.endswith(".") and one.series, one)

    def test_the_order_of_the_series_does_not_matter(self):
        known = {one.series[0].number: one.role for one in recognise_examination(self.liver())}
        backwards = recognise_examination(self.liver()[::-1])
        self.assertEqual({one.series[0].number: one.role for one in backwards}, known)
        self.assertEqual(backwards[0].series[0].number, 13, "recognitions come in the order of the series")

    def test_missing_phases_are_told(self):
        found = recognise_examination([one for one in self.liver() if one.number not in {3, 6, 12}])
        self.assertEqual(
            missing_images(found),
            ("No in-phase T1-weighted images were found.", "No diffusion-weighted images were found.",
             "The portal venous phase is missing (found: arterial phase at 30 s, delayed phase at 180 s)."),
        )
        gadoxetate = missing_images(recognise_examination(dynamic(-60.0, 30.0, 70.0, 180.0, agent="Primovist")))
        self.assertIn("The hepatobiliary phase is missing", gadoxetate[-1])
        self.assertIn("No images after contrast were recognised.", missing_images(recognise_examination([vibe(1, 0.0)])))
        self.assertNotIn("phase", " ".join(missing_images(recognise_examination([vibe(1, 0.0, times=DynamicSeriesTest.TIMES)])[0:])[4:]))

    def test_diffusion_without_b_values(self):
        found = recognise_examination([series("ep2d_diff", echo=Echo.PLANAR, te=65.0, tr=5000.0, volumetric=False)])[0]
        self.assertEqual((found.role, found.confidence), (Role.DWI, Confidence.DOUBTFUL))
        self.assertEqual(found.warnings, ("Series 1 'ep2d_diff': no b-value was found; an ADC map needs two or more.",))

    def test_one_b_value_in_each_series(self):
        whole = self.liver()[5]
        split = [replace(whole, frames=whole.frames[a : a + 3], number=6 + a, series_uid=f"1.2.{60 + a}") for a in (0, 3)]
        found = recognise_examination(split)
        self.assertEqual([(one.role, len(one.series)) for one in found], [(Role.DWI, 2)])
        self.assertIn("b = 0, 800", found[0].reason)
        alone = recognise_examination(split[1:])[0]
        self.assertRegex(" ".join(alone.warnings), "only one b-value")

    def test_what_is_no_mr_image(self):
        found = recognise_examination([series(modality="CT"), Series("1.2.7", "1.1", (), modality="MR", patient_id="A")])
        self.assertEqual([one.role for one in found], [None, None])
        self.assertEqual(recognise_examination([]), ())

    def test_two_patients_or_studies_are_refused(self):
        with self.assertRaisesRegex(InputError, "different patients"):
            recognise_examination([series(), series(patient_id="B")])
        with self.assertRaisesRegex(InputError, "different examinations"):
            recognise_examination([series(), series(study_uid="1.5")])

    def test_choice_among_several(self):
        found = recognise_examination(dynamic(-300.0, -60.0, 25.0, 35.0, 90.0))
        self.assertEqual(choose(found, Role.NATIVE).time_s, -60.0)
        self.assertIsNone(choose(found, Role.HEPATOBILIARY))
        self.assertEqual(choose(found, Role.ARTERIAL).time_s, 25.0)


def with_b(frame, b: float):
    return replace(frame, b_value=b, temporal_position=None)


if __name__ == "__main__":
    unittest.main()
