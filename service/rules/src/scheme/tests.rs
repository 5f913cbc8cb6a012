use praman_circuits::attributes::Attributes;
use praman_circuits::policy::TierIndex;

use super::*;

fn shipped(id: &str) -> Scheme {
    Scheme::shipped(id).expect("shipped")
}

/// A woman of category GEN with some income and no land.
fn woman(born: (i16, i8, i8)) -> [u32; 9] {
    let (year, month, day) = born;
    let born = calendar::day_of(jiff::civil::date(year, month, day)).expect("after 1900");
    [born.0, 1, 1, 9, 2, 10_000, 0, 0, 0]
}

/// Returns what each tier pays to a person in a period; `None` if its rules don't hold.
fn amounts(scheme: &Scheme, period: &str, person: [u32; 9]) -> Vec<Option<u32>> {
    let period = scheme.parse_period(period).expect("a period");
    let policy = scheme.policy(period).expect("in force");
    let attributes = Attributes::new(person);
    (0..policy.used_tiers())
        .map(|tier| {
            let tier = TierIndex::new(tier as u8).expect("a tier");
            policy.satisfies(&attributes, tier).then(|| policy.amount(&attributes, tier))
        })
        .collect()
}

#[test]
fn shipped_schemes_parse_under_their_own_ids() {
    for (id, text) in SHIPPED {
        let scheme = Scheme::parse(text).expect("parses");
        assert_eq!(scheme.id.as_str(), id);
    }
}

#[test]
fn woman_who_turns_sixty_mid_period_moves_to_the_pension_after_it() {
    let scheme = shipped("annapurna");
    // 59 on the first of June, 60 on the 15th: in the scheme in June, and as a woman of 60 after.
    assert_eq!(amounts(&scheme, "2026-06", woman((1966, 6, 15))), [Some(3_000)]);
    assert_eq!(amounts(&scheme, "2026-07", woman((1966, 6, 15))), [Some(3_000)]);
    // 61 on the 15th of June 2026: out from July on.
    assert_eq!(amounts(&scheme, "2026-06", woman((1965, 6, 15))), [Some(3_000)]);
    assert_eq!(amounts(&scheme, "2026-07", woman((1965, 6, 15))), [None]);
    // 25 on the first of the period, and a day too young.
    assert_eq!(amounts(&scheme, "2026-06", woman((2001, 6, 1))), [Some(3_000)]);
    assert_eq!(amounts(&scheme, "2026-06", woman((2001, 6, 2))), [None]);
    // The old age pension takes over at 60.
    let pension = shipped("old-age-pension");
    assert_eq!(amounts(&pension, "2026-06", woman((1966, 6, 15))), [None]);
    assert_eq!(amounts(&pension, "2026-07", woman((1966, 6, 15))), [Some(1_000)]);
}

#[test]
fn birth_date_on_the_leap_day_counts_from_march() {
    let scheme = shipped("lakshmir-bhandar");
    let person = woman((2000, 2, 29));
    assert_eq!(amounts(&scheme, "2025-02", person), [None, None]);
    assert_eq!(amounts(&scheme, "2025-03", person), [None, Some(1_000)]);
}

#[test]
fn tiers_of_one_scheme_pay_their_own_amounts_in_one_month() {
    let scheme = shipped("lakshmir-bhandar");
    let mut person = woman((1990, 1, 1));
    assert_eq!(amounts(&scheme, "2026-01", person), [None, Some(1_000)]);
    for category in [2, 3] {
        person[2] = category;
        assert_eq!(amounts(&scheme, "2026-01", person), [Some(1_200), Some(1_000)]);
        assert_eq!(amounts(&scheme, "2026-02", person), [Some(1_700), Some(1_500)]);
    }
    person[1] = 2;
    assert_eq!(amounts(&scheme, "2026-01", person), [None, None]);
    person[1] = 1;
    person[8] = 2;
    assert_eq!(amounts(&scheme, "2026-01", person), [None, None], "a government salary");
}

#[test]
fn scheme_that_replaces_another_is_in_force_from_its_first_month() {
    let (before, after) = (shipped("lakshmir-bhandar"), shipped("annapurna"));
    let person = woman((1990, 1, 1));
    assert_eq!(amounts(&before, "2026-05", person), [None, Some(1_500)]);
    assert_eq!(amounts(&after, "2026-06", person), [Some(3_000)]);
    let not_in_force = |scheme: &Scheme, period: &str| {
        scheme.policy(scheme.parse_period(period).expect("a period")).is_err()
    };
    assert!(not_in_force(&before, "2026-06"));
    assert!(not_in_force(&after, "2026-05"));
    assert!(not_in_force(&before, "2024-03"));
}

#[test]
fn land_is_paid_by_the_decimal_between_floor_and_cap() {
    let scheme = shipped("krishak-bandhu");
    assert_eq!(scheme.payment, super::PaymentTerms { instalments: 2, shared_accounts: false });
    let pays = |decimals: u32| {
        let mut person = woman((1990, 1, 1));
        person[6] = decimals;
        amounts(&scheme, "2026", person)
    };
    assert_eq!(pays(0), [None]);
    for (decimals, amount) in [
        (1, 4_000),
        (39, 4_000),
        (40, 4_000),
        (41, 4_100),
        (99, 9_900),
        (100, 10_000),
        (750, 10_000),
    ] {
        assert_eq!(pays(decimals), [Some(amount)], "{decimals} decimals");
    }
}

#[test]
fn alternative_of_several_conditions_holds_only_if_all_do() {
    let scheme = shipped("old-age-pension");
    let with = |born, income, disability| {
        let mut person = woman(born);
        (person[5], person[7]) = (income, disability);
        amounts(&scheme, "2026-06", person) == [Some(1_000)]
    };
    assert!(with((1966, 6, 1), 12_000, 0));
    assert!(!with((1966, 6, 1), 12_001, 0));
    assert!(!with((1966, 6, 2), 0, 0));
    assert!(with((1966, 6, 2), 0, 40));
    assert!(with((1971, 6, 1), 0, 1));
    assert!(!with((1971, 6, 2), 0, 100));
}

#[test]
fn benefit_claimed_once_counts_ages_in_the_month_of_the_claim() {
    let scheme = shipped("kanyashree-k2");
    let girl = |born: (i16, i8, i8)| {
        let mut person = woman(born);
        (person[4], person[6]) = (1, 2);
        person
    };
    let (june, july) = (scheme.parse_period("2026-06"), scheme.parse_period("2026-07"));
    assert_eq!(june.as_ref().expect("a month").period, Period::ONCE);
    assert_eq!(july.expect("a month").period, june.expect("a month").period);
    assert_eq!(amounts(&scheme, "2026-06", girl((2008, 6, 2))), [None]);
    assert_eq!(amounts(&scheme, "2026-07", girl((2008, 6, 2))), [Some(25_000)]);
    assert_eq!(amounts(&scheme, "2027-06", girl((2008, 6, 2))), [Some(25_000)]);
    assert_eq!(amounts(&scheme, "2027-07", girl((2008, 6, 2))), [None]);
}

#[test]
fn periods_are_written_as_their_scheme_has_them() {
    let month = |year, month| Period::starting(year, month);
    let read = |id: &str, text: &str| shipped(id).parse_period(text).ok().map(|p| p.period);
    assert_eq!(read("annapurna", "2026-06"), month(2026, 6));
    assert_eq!(read("krishak-bandhu", "2026"), month(2026, 1));
    for (id, bad) in [
        ("annapurna", "2026"),
        ("annapurna", "2026-13"),
        ("annapurna", "2026-6"),
        ("annapurna", "26-06"),
        ("annapurna", "2026-Q2"),
        ("krishak-bandhu", "2026-06"),
        ("krishak-bandhu", ""),
    ] {
        assert_eq!(read(id, bad), None, "{id} {bad}");
    }
    let quarterly = Scheme::parse(&minimal("period = \"quarterly\"", "age = \"60 or more\""));
    let period = quarterly.expect("parses").parse_period("2026-Q3").expect("a quarter");
    assert_eq!(Some(period.period), month(2026, 7));
}

fn minimal(period: &str, rules: &str) -> String {
    format!(
        "id = \"a\"\nname = \"A\"\nschema = \"resident\"\n{period}\n[[version]]\n\
         from = 2026-01-01\n[[version.tier]]\namount = 10\n[version.tier.rules]\n{rules}\n"
    )
}

fn refused(rules: &str) -> SchemeError {
    Scheme::parse(&minimal("period = \"monthly\"", rules)).expect_err(rules)
}

#[test]
fn unknown_field_or_value_is_refused_with_its_line() {
    for (rules, words) in [
        ("agee = 5", "`agee` is not a field"),
        ("sex = \"X\"", "\"X\" is not a sex"),
        ("category = [\"SC\", \"XX\"]", "\"XX\" is not a category"),
        ("district = \"Atlantis\"", "is not a district"),
        ("age = \"sixty\"", "not a number"),
        ("age = \"60..50\"", "the range \"60..50\" is empty"),
        ("age = 200", "is not an age"),
        ("age = -1", "not a number"),
        ("annual_income = \"at most 99999999999\"", "too large"),
        ("annual_income = 10.5", "must be whole"),
        ("land_acres = 0.125", "more than two decimals"),
        ("sex = { from = 1 }", "not a range"),
        ("age = { since = 1 }", "`since` is not known"),
        ("age = true", "expected a text or a number"),
        ("any_of = []", "has no rules"),
        ("category = []", "has no values"),
    ] {
        let error = refused(rules);
        assert!(error.reason.contains(words), "{rules}: {error}");
        assert_eq!(error.line, 10, "{rules}: {error}");
    }
}

#[test]
fn rules_for_nobody_everybody_or_too_many_clauses_are_refused() {
    assert!(refused("age = \"60 or more\"\nnot.age = \"50 or more\"").reason.contains("no person"));
    let everybody = "any_of = [{ disability_pct = \"1 or more\" }, { disability_pct = 0 }]";
    assert!(refused(everybody).reason.contains("exclude no person"));
    // Every second district: eleven intervals, and six more for the cards and categories.
    let many = "district = [\"ALIPURDUAR\", \"BIRBHUM\", \"DAKSHIN DINAJPUR\", \"HOOGHLY\", \
                \"JALPAIGURI\", \"KALIMPONG\", \"MALDA\", \"NADIA\", \"PASCHIM BARDHAMAN\", \
                \"PURBA BARDHAMAN\", \"PURULIA\", \"UTTAR DINAJPUR\"]\n\
                category = [\"GEN\", \"ST\", \"OBC-B\"]\nration_card = [\"AAY\", \"SPHH\"]";
    let error = refused(many);
    assert!(error.reason.contains("there is room for 16"), "{error}");
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let line = |text: &str| Scheme::parse(text).expect_err(text).line;
    assert_eq!(line("id = \"a\"\nname = "), 2);
    assert_eq!(line("id = \"a\"\nid = \"b\"\n"), 2);
    assert_eq!(line("id = \"Not An Id\"\nschema = \"resident\"\nperiod = \"monthly\""), 1);
    let base = minimal("period = \"monthly\"", "age = 60");
    for (from, to, line_at) in [
        ("\"monthly\"", "\"weekly\"", 4),
        ("\"resident\"", "\"alien\"", 3),
        ("amount = 10", "amount = { rate = 0, per = \"land_acres\", cap = 5 }", 8),
        ("amount = 10", "amount = { rate = 150, per = \"land_acres\", cap = 5 }", 8),
        ("amount = 10", "amount = { rate = 100, per = \"sex\", cap = 5 }", 8),
        ("amount = 10", "amount = { rate = 100, per = \"annual_income\", floor = 6, cap = 5 }", 8),
        ("2026-01-01", "2026-02-30", 6),
        ("2026-01-01", "\"soon\"", 6),
        ("2026-01-01", "2026-01-01\nexcludes_with = \"Women Cash\"", 7),
        ("2026-01-01", "2026-01-01\nexcludes_with = 1", 7),
        ("2026-01-01", "2026-01-01\nlate_issue_days = -1", 7),
        ("2026-01-01", "2026-01-01\nlate_issue_days = 3661", 7),
    ] {
        let text = base.replace(from, to);
        assert_ne!(text, base);
        assert_eq!(line(&text), line_at, "{to}");
    }
    let overlapping = format!(
        "{base}[[version]]\nfrom = 2027-01-01\n[[version.tier]]\namount = 1\nrules.age = 60\n"
    );
    assert!(
        Scheme::parse(&overlapping).expect_err("open end").reason.contains("needs a date `to`")
    );
}

#[test]
fn ranges_in_words_hold_what_they_say() {
    let holds = |rules: &str, age: i16| {
        let scheme = Scheme::parse(&minimal("period = \"monthly\"", rules)).expect(rules);
        amounts(&scheme, "2026-06", woman((2026 - age, 6, 1)))[0].is_some()
    };
    for (rules, inside, outside) in [
        ("age = \"25 to 60\"", vec![25, 60], vec![24, 61]),
        ("age = \"25..60\"", vec![25, 60], vec![24, 61]),
        ("age = \"13 up to 18\"", vec![13, 17], vec![12, 18]),
        ("age = \"60 or more\"", vec![60, 99], vec![59]),
        ("age = \"at least 60\"", vec![60], vec![59]),
        ("age = \"over 60\"", vec![61], vec![60]),
        ("age = \"at most 60\"", vec![60, 1], vec![61]),
        ("age = \"below 60\"", vec![59], vec![60]),
        ("age = 30", vec![30], vec![29, 31]),
        ("age = [30, 32]", vec![30, 32], vec![29, 31, 33]),
        ("age = { from = 13, below = 18 }", vec![13, 17], vec![12, 18]),
        ("age = { over = 13, to = 18, not = 15 }", vec![14, 16, 18], vec![13, 15, 19]),
        ("not = { age = \"25 to 60\" }", vec![24, 61], vec![25, 60]),
        ("not.any_of = [{ age = 5 }, { age = 7 }]", vec![4, 6, 8], vec![5, 7]),
    ] {
        for age in inside {
            assert!(holds(rules, age), "{rules} at {age}");
        }
        for age in outside {
            assert!(!holds(rules, age), "{rules} at {age}");
        }
    }
}

#[test]
fn credential_is_issued_in_time_until_the_last_day_of_the_period_or_as_late_as_the_version_says() {
    let issued_by = |period: &str, written: &str, late: Option<u32>| {
        let late = late.map_or_else(String::new, |days| format!("\nlate_issue_days = {days}"));
        let text = minimal(&format!("period = \"{period}\""), "age = 60");
        let text = text.replace("2026-01-01", &format!("2026-01-01{late}"));
        let scheme = Scheme::parse(&text).expect("a scheme");
        let period = scheme.parse_period(written).expect("a period");
        let day = scheme.in_period(period).expect("in force").issued_by;
        calendar::date_of(day).expect("a date").to_string()
    };
    assert_eq!(issued_by("monthly", "2026-06", None), "2026-06-30");
    assert_eq!(issued_by("monthly", "2026-06", Some(0)), "2026-06-30");
    assert_eq!(issued_by("monthly", "2026-06", Some(31)), "2026-07-31");
    assert_eq!(issued_by("quarterly", "2026-Q2", None), "2026-06-30");
    assert_eq!(issued_by("yearly", "2026", Some(3_660)), "2037-01-07");
    // The month of the claim.
    assert_eq!(issued_by("once", "2026-06", None), "2026-06-30");
}

#[test]
fn group_is_of_a_version_and_is_read_out_with_late_issue() {
    let base = minimal("period = \"monthly\"", "age = 60");
    let with = |more: &str| {
        let text = base.replace("2026-01-01", &format!("2026-01-01{more}"));
        Scheme::parse(&text).expect("a scheme")
    };
    let (alone, grouped) = (with(""), with("\nexcludes_with = \"pensions\"\nlate_issue_days = 30"));
    let month = alone.parse_period("2026-06").expect("a month");
    let scope = |scheme: &Scheme| scheme.in_period(month).expect("in force").scope();
    assert_ne!(scope(&alone), scope(&grouped));
    let read = |scheme: &Scheme, language| scheme.read_out(&scheme.versions[0], language);
    assert!(read(&alone, Language::English).terms.is_empty());
    for language in Language::ALL {
        let terms = read(&grouped, language).terms;
        assert_eq!(terms.len(), 2);
        assert!(terms[0].contains("pensions") && !terms.concat().contains("terms-"), "{terms:?}");
    }
    // A comparison tells it before the tiers.
    let changes = read(&alone, Language::English).changes(&read(&grouped, Language::English));
    assert_eq!((changes.len(), changes[0].tier, changes[0].after.len()), (1, 0, 2));
}
