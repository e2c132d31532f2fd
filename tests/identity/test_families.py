"""What must never be joined, and what must be found: each scenario with its people, all invented."""

from __future__ import annotations

from identity.match_cases import PROVISIONAL, decide, only

HOME = {"address": "12 Oak Street", "city": "Austin", "state": "TX", "zip": "78701"}


def test_twins_at_one_address_with_one_mail_stay_two_people() -> None:
    """Alone, a twin may be the same person under another name: a person is asked. Beside the other, it is a twin."""
    family = {
        "lastname": "Brandt",
        "birthday": "2015-03-04",
        "email": "brandt@example.com",
        "phone": "(512) 555-0123",
        **HOME,
    }
    decisions = decide([{"firstname": "Lena", **family}], [{"firstname": "Oskar", **family}])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason) == ("review", "twin")
    assert decisions.pairs["1", "r1"].rule == "ASK:twin?"
    both = decide(
        [{"firstname": "Lena", **family}, {"firstname": "Oskar", **family}], [{"firstname": "Oskar", **family}]
    )
    assert both.links() == {"2": "r1"}
    assert (both.rows["1"].outcome, both.rows["1"].reason) == ("none", "contradicted")


def test_a_person_misspelt_at_home_is_asked_about_and_not_made_again() -> None:
    person = {"lastname": "Quill", "birthday": "1980-03-01", "address": "12 Elm St", "zip": "12207"}
    record = {"firstname": "Aana", "city": "Albany", "state": "NY", **person}
    for more in ({"city": "Albany", "state": "NY"}, {}):
        decision, _ = only({"firstname": "Ana", **more, **person}, record)
        assert (decision.outcome, decision.reason, decision.candidates) == ("review", "twin", 1)


def test_a_record_at_home_without_a_first_name_is_asked_about_and_not_made_again() -> None:
    family = {"lastname": "Brandt", "birthday": "2015-03-04", **HOME}
    nameless = {"firstname": None, **family}
    for row, record in (({"firstname": "Lena", **family}, nameless), (nameless, {"firstname": "Lena", **family})):
        decision, pair = only(row, record)
        assert pair is not None
        assert (pair.rule, decision.outcome, decision.reason) == ("ASK:no-first", "review", "first-name-missing")
    lena, oskar = {"firstname": "Lena", **family}, {"firstname": "Oskar", **family}
    both = decide([lena, oskar], [nameless, {"firstname": "Lena", **family}])
    assert both.links() == {"1": "r2"}
    assert (both.rows["2"].outcome, both.rows["2"].reason) == ("review", "first-name-missing")


def test_a_record_of_another_row_is_not_asked_about() -> None:
    family = {"lastname": "Brandt", "birthday": "2015-03-04", **HOME}
    decisions = decide([{"firstname": "Lena", **family}], [{"firstname": "Oskar", "patient_id": "77", **family}])
    assert decisions.rows["1"].outcome == "none"
    decisions = decide([{"firstname": "Lena", **family}], [{"firstname": "Oskar", **family}], linked={"9": "r1"})
    assert decisions.rows["1"].outcome == "none"
    decisions = decide(
        [{"firstname": "Lena", **family}], [{"firstname": "Oskar", **family}], ruled=[("1", "r1", "never")]
    )
    assert decisions.rows["1"].outcome == "none"


def test_twins_whose_names_differ_by_a_letter_go_to_a_person() -> None:
    family = {"lastname": "Brandt", "birthday": "2015-03-04", "email": "brandt@example.com", **HOME}
    decision, pair = only({"firstname": "Daniel", **family}, {"firstname": "Danielle", **family})
    assert pair is not None
    assert (pair.rule, decision.outcome, decision.reason) == ("AUTO:T1a", "review", "first-names-both-exist")


def test_a_twin_whose_record_holds_but_an_initial_goes_to_a_person() -> None:
    family = {"lastname": "Brandt", "birthday": "2015-03-04", "email": "brandt@example.com"}
    decision, _ = only({"firstname": "James", **family}, {"firstname": "J.", **family})
    assert (decision.outcome, decision.reason) == ("review", "first-name-initial")


def test_each_of_two_twins_finds_its_own_record() -> None:
    family = {"lastname": "Brandt", "birthday": "2015-03-04", "phone": "(512) 555-0123", **HOME}
    twins = [{"firstname": "Lena", **family}, {"firstname": "Oskar", **family}]
    assert decide(twins, reversed(twins)).links() == {"1": "r2", "2": "r1"}


def test_mother_and_daughter_with_one_mail_and_phone_stay_two_people() -> None:
    shared_person = {"lastname": "Okafor", "email": "okafor@example.com", "phone": "512-555-0177", **HOME}
    mother = {"firstname": "Grace", "birthday": "1980-02-11", **shared_person}
    daughter = {"firstname": "Ada", "birthday": "2010-06-30", **shared_person}
    decisions = decide([mother, daughter], [mother])
    assert decisions.links() == {"1": "r1"}
    assert (decisions.rows["2"].outcome, decisions.rows["2"].reason) == ("none", "contradicted")


def test_mother_and_daughter_stay_two_people_without_birth_dates() -> None:
    shared_person = {"lastname": "Okafor", "email": "okafor@example.com", "phone": "512-555-0177", **HOME}
    assert (
        decide([{"firstname": "Ada", **shared_person}], [{"firstname": "Grace", **shared_person}], spec=PROVISIONAL)
        .rows["1"]
        .outcome
        == "none"
    )


def test_a_couple_at_one_address_stays_two_people() -> None:
    wife = {"firstname": "Ines", "lastname": "Varga", "birthday": "1975-01-20", "gender": "Female", **HOME}
    husband = {"firstname": "Tomas", "lastname": "Varga", "birthday": "1973-09-02", "gender": "Male", **HOME}
    assert decide([wife], [husband]).rows["1"].outcome == "none"
    assert decide([wife, husband], [husband, wife]).links() == {"1": "r2", "2": "r1"}


def test_junior_and_senior_with_suffixes_are_told_apart() -> None:
    shared_person = {"firstname": "Walter", "email": "w.price@example.com", **HOME}
    decisions = decide(
        [{"lastname": "Price Jr.", **shared_person}],
        [{"lastname": "Price", "suffix": "Sr", **shared_person}],
        spec=PROVISIONAL,
    )
    assert decisions.rows["1"].outcome == "none"
    assert decisions.pairs["1", "r1"].rule == "BLOCK:suffix"


def test_junior_and_senior_without_suffixes_are_told_apart_by_birth_date_and_a_person() -> None:
    shared_person = {"firstname": "Walter", "lastname": "Price", "email": "w.price@example.com", **HOME}
    decisions = decide([{"birthday": "1985-07-19", **shared_person}], [{"birthday": "1952-11-03", **shared_person}])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].rule) == ("review", "REVIEW:dob-conflict")


def test_a_suffix_on_one_side_without_birth_date_goes_to_a_person() -> None:
    shared_person = {"firstname": "Walter", "email": "w.price@example.com"}
    decisions = decide(
        [{"lastname": "Price, Jr.", "birthday": "1985-07-19", **shared_person}],
        [{"lastname": "Price", **shared_person}],
        spec=PROVISIONAL,
    )
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason) == ("review", "suffix-on-one-side")


def test_junior_and_senior_in_the_source_do_not_let_a_record_without_birth_date_go_to_either() -> None:
    shared_person = {"firstname": "Walter", "lastname": "Price", "email": "w.price@example.com"}
    rows = [{"birthday": "1985-07-19", **shared_person}, {"birthday": "1952-11-03", **shared_person}]
    decisions = decide(rows, [shared_person], spec=PROVISIONAL)
    assert decisions.links() == {}
    assert {pair.rule for pair in decisions.pairs.values()} == {"REVIEW:T1"}


def test_a_trap_counts_people_who_are_linked_already_and_called_by_nicknames() -> None:
    shared_person = {"lastname": "Price", "email": "price@example.com"}
    junior = {"key": "j", "firstname": "Bob", "birthday": "1985-07-19", **shared_person}
    senior = {"key": "s", "firstname": "Robert", "birthday": "1952-11-03", **shared_person}
    record = {"firstname": "Robert", **shared_person}
    assert decide([junior], [record], spec=PROVISIONAL).links() == {"j": "r1"}
    decisions = decide([junior], [record], spec=PROVISIONAL, everyone=[junior, senior], linked={"s": "gone"})
    assert decisions.pairs["j", "r1"].rule == "REVIEW:T1"


def test_a_patient_renamed_after_marriage_is_known_by_mail_and_birth_date() -> None:
    now = {"firstname": "Marta", "lastname": "Lindqvist", "birthday": "1990-05-06", "email": "marta@example.com"}
    decision, pair = only(now, {**now, "lastname": "Osei"})
    assert pair is not None
    assert (decision.outcome, pair.rule, pair.letters) == ("link", "AUTO:T1a", "AXA")


def test_a_patient_renamed_after_marriage_without_mail_goes_to_a_person() -> None:
    now = {"firstname": "Marta", "lastname": "Lindqvist", "birthday": "1990-05-06", **HOME}
    decision, _ = only(now, {**now, "lastname": "Osei"})
    assert (decision.outcome, decision.rule) == ("review", "REVIEW:T3-lastname")


def test_a_double_name_after_marriage_is_known_at_the_same_address() -> None:
    now = {"firstname": "Marta", "lastname": "Lindqvist-Osei", "birthday": "1990-05-06", **HOME}
    decision, _ = only(now, {**now, "lastname": "Osei"})
    assert (decision.outcome, decision.rule) == ("link", "AUTO:T3a")


def test_bob_is_robert() -> None:
    bob = {"lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    assert only({"firstname": "Bob", **bob}, {"firstname": "Robert", **bob})[0].rule == "AUTO:T1a"


def test_bob_is_found_as_robert_by_name_and_birth_date_alone() -> None:
    bob = {"lastname": "Haas", "birthday": "1961-12-01"}
    for one, other in (("Bob", "Robert"), ("Robert", "Bob")):
        assert only({"firstname": one, **bob}, {"firstname": other, **bob})[0].rule == "AUTO:T2b"


def test_a_slip_in_a_first_name_is_forgiven_where_mail_and_birth_date_agree() -> None:
    person = {"lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    assert only({"firstname": "Florentina", **person}, {"firstname": "Florentnia", **person})[0].outcome == "link"


def test_month_and_day_swapped_are_forgiven_where_mail_and_names_agree() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "email": "haas@example.com"}
    decision, pair = only({"birthday": "1961-12-01", **person}, {"birthday": "01/12/1961", **person})
    assert pair is not None
    assert (decision.outcome, decision.rule, pair.letters) == ("link", "AUTO:T1b", "AAN")


def test_accents_case_and_punctuation_do_not_part_a_person() -> None:
    person = {"firstname": "ZOË", "lastname": "O'Brien-Müller", "birthday": "1961-12-01"}
    other_person = {"firstname": "zoe", "lastname": "OBrien Muller", "birthday": "1961-12-01T00:00:00Z"}
    assert only(person, other_person)[0].rule == "AUTO:T2b"


def test_placeholders_bring_nobody_together() -> None:
    person = {
        "firstname": "Unknown",
        "lastname": "Unknown",
        "birthday": "1900-01-01",
        "email": "noreply@clinic.example",
        "phone": "555-555-5555",
    }
    decisions = decide([person], [person])
    assert decisions.pairs == {}
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason) == ("none", "no-candidate")


def test_a_placeholder_birth_date_is_a_missing_one() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "email": "haas@example.com", "birthday": "1900-01-01"}
    assert only(person, person)[1].letters == "AA?"  # type: ignore[union-attr]


def test_a_shared_address_alone_is_not_a_person() -> None:
    decisions = decide(
        [{"firstname": "Ines", "lastname": "Varga", **HOME}], [{"firstname": "Paul", "lastname": "Reyes", **HOME}, HOME]
    )
    assert decisions.rows["1"].outcome == "none"
    assert {pair.grade for pair in decisions.pairs.values()} == {"blocked"}


def test_a_shared_mail_alone_is_not_a_person() -> None:
    decision, pair = only(
        {"firstname": "Ines", "lastname": "Varga", "email": "x@example.com"}, {"email": "x@example.com"}
    )
    assert pair is not None
    assert (decision.outcome, pair.rule) == ("review", "REVIEW:T1")


def test_two_records_of_one_person_go_to_a_person() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decisions = decide([person], [person, {**person, "email": None}])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason, decisions.rows["1"].candidates) == (
        "review",
        "several-records",
        2,
    )
    assert decisions.rows["1"].remote_id is None


def test_two_source_rows_never_take_one_record() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decisions = decide([person, person], [person])
    assert {row.reason for row in decisions.rows.values()} == {"two-rows-one-record"}
    assert decisions.links() == {}


def test_a_record_that_a_linked_row_holds_is_taken() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decisions = decide([{"key": "new", **person}], [person], linked={"old": "r1"})
    assert (decisions.rows["new"].outcome, decisions.rows["new"].reason) == ("review", "taken")


def test_a_linked_row_that_wants_a_second_record_keeps_it_from_others() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    rows = [{"key": "old", **person}, {"key": "new", **person}]
    decisions = decide(rows[1:], [{**person, "email": "elsewhere@example.com"}], everyone=rows, linked={"old": "r9"})
    assert (decisions.rows["new"].reason, set(decisions.rows)) == ("two-rows-one-record", {"new"})


def test_a_record_that_carries_another_key_is_taken() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decisions = decide([person], [{**person, "patient_id": "77"}])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason) == ("review", "taken")


def test_a_record_that_another_row_blocks_with_contradictions_is_not_mentioned_as_taken() -> None:
    shared_person = {"lastname": "Okafor", "email": "okafor@example.com"}
    decisions = decide(
        [{"key": "2", "firstname": "Ada", **shared_person}],
        [{"firstname": "Grace", **shared_person}],
        linked={"1": "r1"},
    )
    assert (decisions.rows["2"].outcome, decisions.rows["2"].reason) == ("none", "contradicted")


def test_after_a_crash_our_key_on_the_record_finds_it_again() -> None:
    decisions = decide([{"firstname": "Nadia", "lastname": "Haas"}], [{"patient_id": "1", "firstname": "Nadja"}])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].rule, decisions.rows["1"].grade) == (
        "link",
        "key",
        "certain",
    )


def test_our_key_on_a_record_of_another_name_and_birth_date_goes_to_a_person() -> None:
    row = {"firstname": "Nadia", "birthday": "1961-12-01"}
    decisions = decide([row], [{"patient_id": "1", "firstname": "Grace", "birthday": "1990-04-04"}])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason) == ("review", "key-contradicted")
    assert decide([row], [{"patient_id": "1", "firstname": "Grace", "birthday": "1961-12-01"}]).links() == {"1": "r1"}


def test_our_key_on_two_records_goes_to_a_person() -> None:
    decisions = decide([{"firstname": "Nadia"}], [{"patient_id": "1"}, {"patient_id": "1"}])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].reason) == ("review", "two-records-one-key")


def test_our_key_wins_over_a_record_that_merely_looks_right() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decisions = decide([person], [person, {**person, "email": None, "patient_id": "1"}])
    assert decisions.links() == {"1": "r2"}


def test_never_these_two_is_remembered() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decisions = decide([person], [person], ruled=[("1", "r1", "never")])
    assert (decisions.rows["1"].outcome, decisions.pairs["1", "r1"].reason) == ("none", "never")
    decisions = decide([person], [person, person], ruled=[("1", "r1", "never")])
    assert decisions.links() == {"1": "r2"}
    decisions = decide([person], [{**person, "patient_id": "1"}], ruled=[("1", "r1", "never")])
    assert decisions.links() == {}


def test_a_persons_link_outranks_the_table_and_our_key() -> None:
    decisions = decide([{"firstname": "Ada"}], [{"firstname": "Grace"}], ruled=[("1", "r1", "link")])
    assert (decisions.rows["1"].outcome, decisions.rows["1"].rule) == ("link", "person")
    decisions = decide(
        [{"firstname": "Ada"}], [{"firstname": "Grace"}, {"patient_id": "1"}], ruled=[("1", "r1", "link")]
    )
    assert decisions.links() == {"1": "r1"}


def test_a_persons_link_cannot_give_one_record_to_two_rows() -> None:
    decisions = decide([{}, {}], [{}], ruled=[("1", "r1", "link"), ("2", "r1", "link")])
    assert decisions.links() == {}
    assert {row.reason for row in decisions.rows.values()} == {"two-rows-one-record"}
    decisions = decide([{"key": "2"}], [{}], ruled=[("2", "r1", "link")], linked={"1": "r1"})
    assert decisions.rows["2"].reason == "taken"


def test_a_record_promised_to_one_row_is_not_given_to_another() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decisions = decide([person, {"firstname": "Ada"}], [person], ruled=[("2", "r1", "link")])
    assert decisions.links() == {"2": "r1"}
    assert decisions.rows["1"].reason == "taken"


def test_a_secondary_mail_of_a_record_finds_its_person() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01"}
    record = {
        "firstname": "Nadia",
        "lastname": "Osei",
        "birthday": "1961-12-01",
        "email": "work@example.com",
        "more_mails": "old@example.com; Haas@Example.com",
    }
    assert only({**person, "email": "haas@example.com"}, record)[0].rule == "AUTO:T1a"


def test_any_of_several_phones_corroborates() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01"}
    assert (
        only({**person, "phone": "512 555 0123"}, {**person, "mobilephone": "+1 (512) 555-0123"})[0].rule == "AUTO:T2a"
    )


def test_another_sex_stops_a_link() -> None:
    person = {"firstname": "Alex", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decision, _ = only({**person, "gender": "M"}, {**person, "gender": "Female"})
    assert (decision.outcome, decision.reason) == ("review", "sex-contradicted")


def test_a_missing_birth_date_links_only_where_the_project_accepts_it() -> None:
    person = {"firstname": "Nadia", "lastname": "Haas", "email": "haas@example.com"}
    assert only(person, person)[0].reason == "provisional"
    decision, _ = only(person, person, spec=PROVISIONAL)
    assert (decision.outcome, decision.rule, decision.grade) == ("link", "PROV:T1c", "provisional")


def test_a_mail_of_many_names_is_no_evidence() -> None:
    names = ["Ada", "Bela", "Cora", "Dora", "Enzo", "Fadi", "Gita"]
    office = [
        {"firstname": name, "lastname": "Haas", "email": "office@example.com", "birthday": f"196{n}-03-05"}
        for n, name in enumerate(names)
    ]
    assert decide([{**office[0], "birthday": None}], office[:3]).pairs != {}
    assert decide([{**office[0], "birthday": None}], office).pairs == {}


def test_an_address_of_more_than_thirty_records_is_no_evidence() -> None:
    row = {"firstname": "Ada", "lastname": "Haas", **HOME}
    others = [{"firstname": "Zed", "lastname": f"Q{chr(97 + n)}x", **HOME} for n in range(30)]
    assert ("1", "r1") in decide([row], [row, *others[:10]]).pairs
    assert decide([row], [row, *others]).pairs == {}


def test_a_birth_date_far_too_frequent_is_no_evidence() -> None:
    names = [f"{chr(97 + n)}{chr(98 + n)}ora" for n in range(20)]
    row = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01"}
    crowd = [{"firstname": name, "lastname": f"{name}sen", "birthday": "1961-12-01"} for name in names]
    rest = [{"firstname": "Q", "birthday": f"{1920 + n}-03-{m:02}"} for n in range(80) for m in range(1, 6)]
    assert decide([row], [row, *rest]).links() == {"1": "r1"}
    assert decide([row], [row, *crowd, *rest]).pairs == {}
