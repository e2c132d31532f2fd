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
    said = decide([{"firstname": "Lena", **family}], [{"firstname": "Oskar", **family}])
    assert (said.rows["1"].outcome, said.rows["1"].reason) == ("review", "twin")
    assert said.pairs["1", "r1"].rule == "ASK:twin?"
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
    said = decide([{"firstname": "Lena", **family}], [{"firstname": "Oskar", "patient_id": "77", **family}])
    assert said.rows["1"].outcome == "none"
    said = decide([{"firstname": "Lena", **family}], [{"firstname": "Oskar", **family}], linked={"9": "r1"})
    assert said.rows["1"].outcome == "none"
    said = decide([{"firstname": "Lena", **family}], [{"firstname": "Oskar", **family}], ruled=[("1", "r1", "never")])
    assert said.rows["1"].outcome == "none"


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
    shared = {"lastname": "Okafor", "email": "okafor@example.com", "phone": "512-555-0177", **HOME}
    mother = {"firstname": "Grace", "birthday": "1980-02-11", **shared}
    daughter = {"firstname": "Ada", "birthday": "2010-06-30", **shared}
    said = decide([mother, daughter], [mother])
    assert said.links() == {"1": "r1"}
    assert (said.rows["2"].outcome, said.rows["2"].reason) == ("none", "contradicted")


def test_mother_and_daughter_stay_two_people_without_birth_dates() -> None:
    shared = {"lastname": "Okafor", "email": "okafor@example.com", "phone": "512-555-0177", **HOME}
    assert (
        decide([{"firstname": "Ada", **shared}], [{"firstname": "Grace", **shared}], spec=PROVISIONAL).rows["1"].outcome
        == "none"
    )


def test_a_couple_at_one_address_stays_two_people() -> None:
    wife = {"firstname": "Ines", "lastname": "Varga", "birthday": "1975-01-20", "gender": "Female", **HOME}
    husband = {"firstname": "Tomas", "lastname": "Varga", "birthday": "1973-09-02", "gender": "Male", **HOME}
    assert decide([wife], [husband]).rows["1"].outcome == "none"
    assert decide([wife, husband], [husband, wife]).links() == {"1": "r2", "2": "r1"}


def test_junior_and_senior_with_suffixes_are_told_apart() -> None:
    shared = {"firstname": "Walter", "email": "w.price@example.com", **HOME}
    said = decide(
        [{"lastname": "Price Jr.", **shared}], [{"lastname": "Price", "suffix": "Sr", **shared}], spec=PROVISIONAL
    )
    assert said.rows["1"].outcome == "none"
    assert said.pairs["1", "r1"].rule == "BLOCK:suffix"


def test_junior_and_senior_without_suffixes_are_told_apart_by_birth_date_and_a_person() -> None:
    shared = {"firstname": "Walter", "lastname": "Price", "email": "w.price@example.com", **HOME}
    said = decide([{"birthday": "1985-07-19", **shared}], [{"birthday": "1952-11-03", **shared}])
    assert (said.rows["1"].outcome, said.rows["1"].rule) == ("review", "REVIEW:dob-conflict")


def test_a_suffix_on_one_side_without_birth_date_goes_to_a_person() -> None:
    shared = {"firstname": "Walter", "email": "w.price@example.com"}
    said = decide(
        [{"lastname": "Price, Jr.", "birthday": "1985-07-19", **shared}],
        [{"lastname": "Price", **shared}],
        spec=PROVISIONAL,
    )
    assert (said.rows["1"].outcome, said.rows["1"].reason) == ("review", "suffix-on-one-side")


def test_junior_and_senior_in_the_source_do_not_let_a_record_without_birth_date_go_to_either() -> None:
    shared = {"firstname": "Walter", "lastname": "Price", "email": "w.price@example.com"}
    rows = [{"birthday": "1985-07-19", **shared}, {"birthday": "1952-11-03", **shared}]
    said = decide(rows, [shared], spec=PROVISIONAL)
    assert said.links() == {}
    assert {pair.rule for pair in said.pairs.values()} == {"REVIEW:T1"}


def test_a_trap_counts_people_who_are_linked_already_and_called_by_nicknames() -> None:
    shared = {"lastname": "Price", "email": "price@example.com"}
    junior = {"key": "j", "firstname": "Bob", "birthday": "1985-07-19", **shared}
    senior = {"key": "s", "firstname": "Robert", "birthday": "1952-11-03", **shared}
    record = {"firstname": "Robert", **shared}
    assert decide([junior], [record], spec=PROVISIONAL).links() == {"j": "r1"}
    said = decide([junior], [record], spec=PROVISIONAL, everyone=[junior, senior], linked={"s": "gone"})
    assert said.pairs["j", "r1"].rule == "REVIEW:T1"


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
    one = {"lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    assert only({"firstname": "Florentina", **one}, {"firstname": "Florentnia", **one})[0].outcome == "link"


def test_month_and_day_swapped_are_forgiven_where_mail_and_names_agree() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "email": "haas@example.com"}
    decision, pair = only({"birthday": "1961-12-01", **one}, {"birthday": "01/12/1961", **one})
    assert pair is not None
    assert (decision.outcome, decision.rule, pair.letters) == ("link", "AUTO:T1b", "AAN")


def test_accents_case_and_punctuation_do_not_part_a_person() -> None:
    one = {"firstname": "ZOË", "lastname": "O'Brien-Müller", "birthday": "1961-12-01"}
    other = {"firstname": "zoe", "lastname": "OBrien Muller", "birthday": "1961-12-01T00:00:00Z"}
    assert only(one, other)[0].rule == "AUTO:T2b"


def test_placeholders_bring_nobody_together() -> None:
    nobody = {
        "firstname": "Unknown",
        "lastname": "Unknown",
        "birthday": "1900-01-01",
        "email": "noreply@clinic.example",
        "phone": "555-555-5555",
    }
    said = decide([nobody], [nobody])
    assert said.pairs == {}
    assert (said.rows["1"].outcome, said.rows["1"].reason) == ("none", "no-candidate")


def test_a_placeholder_birth_date_is_a_missing_one() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "email": "haas@example.com", "birthday": "1900-01-01"}
    assert only(one, one)[1].letters == "AA?"  # type: ignore[union-attr]


def test_a_shared_address_alone_is_not_a_person() -> None:
    said = decide(
        [{"firstname": "Ines", "lastname": "Varga", **HOME}], [{"firstname": "Paul", "lastname": "Reyes", **HOME}, HOME]
    )
    assert said.rows["1"].outcome == "none"
    assert {pair.grade for pair in said.pairs.values()} == {"blocked"}


def test_a_shared_mail_alone_is_not_a_person() -> None:
    decision, pair = only(
        {"firstname": "Ines", "lastname": "Varga", "email": "x@example.com"}, {"email": "x@example.com"}
    )
    assert pair is not None
    assert (decision.outcome, pair.rule) == ("review", "REVIEW:T1")


def test_two_records_of_one_person_go_to_a_person() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    said = decide([one], [one, {**one, "email": None}])
    assert (said.rows["1"].outcome, said.rows["1"].reason, said.rows["1"].candidates) == (
        "review",
        "several-records",
        2,
    )
    assert said.rows["1"].remote_id is None


def test_two_source_rows_never_take_one_record() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    said = decide([one, one], [one])
    assert {row.reason for row in said.rows.values()} == {"two-rows-one-record"}
    assert said.links() == {}


def test_a_record_that_a_linked_row_holds_is_taken() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    said = decide([{"key": "new", **one}], [one], linked={"old": "r1"})
    assert (said.rows["new"].outcome, said.rows["new"].reason) == ("review", "taken")


def test_a_linked_row_that_wants_a_second_record_keeps_it_from_others() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    rows = [{"key": "old", **one}, {"key": "new", **one}]
    said = decide(rows[1:], [{**one, "email": "elsewhere@example.com"}], everyone=rows, linked={"old": "r9"})
    assert (said.rows["new"].reason, set(said.rows)) == ("two-rows-one-record", {"new"})


def test_a_record_that_carries_another_key_is_taken() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    said = decide([one], [{**one, "patient_id": "77"}])
    assert (said.rows["1"].outcome, said.rows["1"].reason) == ("review", "taken")


def test_a_record_that_another_row_blocks_with_contradictions_is_not_mentioned_as_taken() -> None:
    shared = {"lastname": "Okafor", "email": "okafor@example.com"}
    said = decide([{"key": "2", "firstname": "Ada", **shared}], [{"firstname": "Grace", **shared}], linked={"1": "r1"})
    assert (said.rows["2"].outcome, said.rows["2"].reason) == ("none", "contradicted")


def test_after_a_crash_our_key_on_the_record_finds_it_again() -> None:
    said = decide([{"firstname": "Nadia", "lastname": "Haas"}], [{"patient_id": "1", "firstname": "Nadja"}])
    assert (said.rows["1"].outcome, said.rows["1"].rule, said.rows["1"].grade) == ("link", "key", "certain")


def test_our_key_on_a_record_of_another_name_and_birth_date_goes_to_a_person() -> None:
    row = {"firstname": "Nadia", "birthday": "1961-12-01"}
    said = decide([row], [{"patient_id": "1", "firstname": "Grace", "birthday": "1990-04-04"}])
    assert (said.rows["1"].outcome, said.rows["1"].reason) == ("review", "key-contradicted")
    assert decide([row], [{"patient_id": "1", "firstname": "Grace", "birthday": "1961-12-01"}]).links() == {"1": "r1"}


def test_our_key_on_two_records_goes_to_a_person() -> None:
    said = decide([{"firstname": "Nadia"}], [{"patient_id": "1"}, {"patient_id": "1"}])
    assert (said.rows["1"].outcome, said.rows["1"].reason) == ("review", "two-records-one-key")


def test_our_key_wins_over_a_record_that_merely_looks_right() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    said = decide([one], [one, {**one, "email": None, "patient_id": "1"}])
    assert said.links() == {"1": "r2"}


def test_never_these_two_is_remembered() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    said = decide([one], [one], ruled=[("1", "r1", "never")])
    assert (said.rows["1"].outcome, said.pairs["1", "r1"].reason) == ("none", "never")
    said = decide([one], [one, one], ruled=[("1", "r1", "never")])
    assert said.links() == {"1": "r2"}
    said = decide([one], [{**one, "patient_id": "1"}], ruled=[("1", "r1", "never")])
    assert said.links() == {}


def test_a_persons_link_outranks_the_table_and_our_key() -> None:
    said = decide([{"firstname": "Ada"}], [{"firstname": "Grace"}], ruled=[("1", "r1", "link")])
    assert (said.rows["1"].outcome, said.rows["1"].rule) == ("link", "person")
    said = decide([{"firstname": "Ada"}], [{"firstname": "Grace"}, {"patient_id": "1"}], ruled=[("1", "r1", "link")])
    assert said.links() == {"1": "r1"}


def test_a_persons_link_cannot_give_one_record_to_two_rows() -> None:
    said = decide([{}, {}], [{}], ruled=[("1", "r1", "link"), ("2", "r1", "link")])
    assert said.links() == {}
    assert {row.reason for row in said.rows.values()} == {"two-rows-one-record"}
    said = decide([{"key": "2"}], [{}], ruled=[("2", "r1", "link")], linked={"1": "r1"})
    assert said.rows["2"].reason == "taken"


def test_a_record_promised_to_one_row_is_not_given_to_another() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    said = decide([one, {"firstname": "Ada"}], [one], ruled=[("2", "r1", "link")])
    assert said.links() == {"2": "r1"}
    assert said.rows["1"].reason == "taken"


def test_a_secondary_mail_of_a_record_finds_its_person() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01"}
    record = {
        "firstname": "Nadia",
        "lastname": "Osei",
        "birthday": "1961-12-01",
        "email": "work@example.com",
        "more_mails": "old@example.com; Haas@Example.com",
    }
    assert only({**one, "email": "haas@example.com"}, record)[0].rule == "AUTO:T1a"


def test_any_of_several_phones_corroborates() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "birthday": "1961-12-01"}
    assert only({**one, "phone": "512 555 0123"}, {**one, "mobilephone": "+1 (512) 555-0123"})[0].rule == "AUTO:T2a"


def test_another_sex_stops_a_link() -> None:
    one = {"firstname": "Alex", "lastname": "Haas", "birthday": "1961-12-01", "email": "haas@example.com"}
    decision, _ = only({**one, "gender": "M"}, {**one, "gender": "Female"})
    assert (decision.outcome, decision.reason) == ("review", "sex-contradicted")


def test_a_missing_birth_date_links_only_where_the_project_accepts_it() -> None:
    one = {"firstname": "Nadia", "lastname": "Haas", "email": "haas@example.com"}
    assert only(one, one)[0].reason == "provisional"
    decision, _ = only(one, one, spec=PROVISIONAL)
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
