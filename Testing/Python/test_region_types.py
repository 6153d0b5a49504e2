"""Codes of regions: unique, and the ones DICOM's dictionaries know."""

import unittest

from HCCResponseLib.response.quantities import PRIVATE_SCHEME
from HCCResponseLib.response.region_types import SITES, RegionType


class TestRegionTypes(unittest.TestCase):
    def test_codes_are_unique(self):
        codes = {(one.code.value, one.modifier and one.modifier.value) for one in RegionType}
        self.assertEqual(len(codes), len(RegionType))
        self.assertEqual(len({site.code.value for site in SITES.values()}), len(SITES))

    def test_key_is_the_name(self):
        for one in RegionType:
            self.assertEqual(one.value, one.name)

    def test_standard_codes_are_those_of_dicom(self):
        try:
            from pydicom.sr._concepts_dict import concepts
        except ImportError as error:
            raise unittest.SkipTest(f"needs pydicom: {error}") from error
        # A disorder of SNOMED CT that no context group of DICOM lists.
        known = {code for entry in concepts["SCT"].values() for code in entry} | {"109841003"}
        codes = [code for one in RegionType for code in (one.category, one.code, one.modifier) if code]
        for code in codes + [site.code for site in SITES.values()]:
            if code.scheme == "SCT":
                self.assertTrue(code.value in known, code)
            else:
                self.assertEqual(code.scheme, PRIVATE_SCHEME)

    def test_a_type_is_a_lesion_or_a_part_or_a_reference(self):
        self.assertEqual({one for one in RegionType if one.is_part}, {RegionType.VIABLE, RegionType.NECROTIC, RegionType.HAEMORRHAGIC})
        self.assertFalse(any(one.is_part and one.is_lesion for one in RegionType))
        for one in RegionType:
            self.assertTrue(one.title)
            self.assertTrue(all(0 <= component <= 255 for component in one.color))


if __name__ == "__main__":
    unittest.main()
