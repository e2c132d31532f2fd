"""Where hccinfhir departs from CMS's rules, one by one."""

from __future__ import annotations

from enum import StrEnum


class Defect(StrEnum):
    """One way in which hccinfhir departs from CMS's rules; each has a test that shows it."""

    EDITS_USE_PART_OF_A_YEAR = "age edits compare the age with its fraction, CMS a whole number of years"
    MISSING_OREC_IS_OLD_AGE = (
        "a missing original reason for entitlement is old age, though an empty one is disabled below 65"
    )
    ESRD_ENTITLEMENT_GROUPS_NEW_ENROLLEES = "a new enrollee with OREC or CREC 2 or 3 gets the 65-69 band: no such cell"
    NEW_ENROLLEE_IN_INSTITUTION_HAS_NO_CELL = "a new enrollee in an institution loses the age and sex cell"
    V22_DIABETES_AND_HEART_FAILURE_MISNAMED = "V22's HCC85_gDiabetesMellit is looked up under a longer name"
    CHRONIC_SCORE_LOSES_DEMOGRAPHICS = "without an HCC the chronic-only score is less than nothing"
    ESRD_STATUS_COUNTS_AS_DISEASE = "dual status, entitlement by ESRD and graft factors are in the disease score"
    DIALYSIS_CARRIES_THE_GRAFT_INSTITUTION_FACTOR = "LTI_GE65 and LTI_LT65 are added outside the graft institution"
    DIALYSIS_NEW_ENROLLEES_OVER_85_HAVE_NO_CELL = "dialysis new enrollees of 85 and more are looked up in bands of five"
    DIALYSIS_NEW_ENROLLEES_UNDER_65_ARE_NEVER_DISABLED = "ORIGDIS cells exist below 65, and are never looked up"
    DIALYSIS_NEW_ENROLLEES_OF_64_BY_AGE_ARE_60_64 = "a dialysis new enrollee of 64 with OREC 0 is not counted as 65"
    GRAFT_COMMUNITY_V21_HAS_NO_CELLS = "V21's functioning graft community is looked up by V24's prefixes"
    GRAFT_NEW_ENROLLEES_HAVE_NO_CELLS = "functioning graft new enrollees are looked up without the _G_ of their cells"
    GRAFT_NEW_ENROLLEES_GET_THE_PARTIAL_DUAL_FACTOR = "FGC_PBD flags are added to new enrollees"
    GRAFT_INSTITUTION_V21_LOSES_MEDICAID = "GI_MCAID is never looked up"
    TRANSPLANTS_SCORE_NOTHING = "TRANSPLANT_KIDNEY_ONLY_1M to 3M can never match"
    ESRD_NEEDS_ENTITLEMENT = "without OREC or CREC 2 or 3 nobody is scored as on dialysis or with a graft"
    GRAFT_NEW_ENROLLEES_ARE_NOT_ADJUSTED = "V24's graft new enrollee score is not divided by its ActAdj"
    V21_NONAGED_IS_AN_AGE = "V21's NONAGED and NonAged mean below 65, in CMS's macros DISABL"
    RX_HIERARCHIES_ARE_NOT_APPLIED = "the file says R08, the model is called V08"
    RX_NEW_ENROLLEES_SCORE_NOTHING = "nothing builds the names of their cells"
    RX_ORIGINALLY_DISABLED_IS_LOST = "F65OD, M65OD and the institution's ORIGDS are never looked up"


EVERY_DEFECT = frozenset(Defect)
