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

/// A household whose members were born on the first of January of some years, the oldest first.
fn household(years: &[i16]) -> [u32; 9] {
    let mut born: Vec<u32> = years
        .iter()
        .map(|&year| calendar::day_of(jiff::civil::date(year, 1, 1)).expect("after 1900").0)
        .collect();
    born.sort_unstable();
    let youngest = |place: usize| born.iter().rev().nth(place).copied().unwrap_or(0);
    let members = born.len() as u32;
    [born[0], youngest(0), youngest(1), youngest(2), members, 40_000, 50, 9, 1]
}

fn for_children(rule: &str) -> Result<Scheme, SchemeError> {
    Scheme::parse(&format!(
        "id = \"h\"\nname = \"H\"\nschema = \"household\"\nperiod = \"monthly\"\n[[version]]\n\
         from = 2026-01-01\n[[version.tier]]\namount = 500\nrules.members = \"1 or more\"\n\
         rules.children = {rule}\n"
    ))
}

#[test]
fn children_are_counted_on_the_first_day_of_the_period() {
    let takes = |rule: &str, years: &[i16], period: &str| {
        let scheme = for_children(rule).expect("a scheme");
        amounts(&scheme, period, household(years)) == [Some(500)]
    };
    // Two adults, and children of 2006 (20 years old), 2012 and 2020.
    let (none, one, two, three, four) = (
        &[1980, 1985, 2006][..],
        &[1980, 1985, 2006, 2012][..],
        &[1980, 1985, 2006, 2012, 2020][..],
        &[1980, 2010, 2012, 2020][..],
        &[1980, 2010, 2012, 2014, 2020][..],
    );
    for (rule, expected) in [
        ("0", [true, false, false, false, false]),
        ("1", [false, true, false, false, false]),
        ("2", [false, false, true, false, false]),
        ("\"1 or more\"", [false, true, true, true, true]),
        ("\"2 or more\"", [false, false, true, true, true]),
        ("\"3 or more\"", [false, false, false, true, true]),
        ("\"at most 2\"", [true, true, true, false, false]),
        ("\"below 3\"", [true, true, true, false, false]),
        ("\"1 to 2\"", [false, true, true, false, false]),
        ("[0, 2]", [true, false, true, false, false]),
        ("{ not = 1 }", [true, false, true, true, true]),
        ("{ not = \"1 to 2\" }", [true, false, false, true, true]),
    ] {
        let households = [none, one, two, three, four];
        assert_eq!(households.map(|years| takes(rule, years, "2026-06")), expected, "{rule}");
    }
    // One turns eighteen on the first of January 2030: the count goes down by itself.
    assert!(takes("2", two, "2029-12") && takes("1", two, "2030-01"));
    // Who lives alone, and a child who is born after the day that is asked for.
    assert!(takes("0", &[1950], "2026-06") && takes("1", &[2009], "2026-06"));
    assert!(takes("\"2 or more\"", &[1990, 2015, 2027], "2026-06"));
}

#[test]
fn number_of_children_that_no_credential_tells_is_refused() {
    for rule in
        ["3", "4", "\"at most 3\"", "\"4 or more\"", "\"2 to 5\"", "{ from = 1, to = 3 }", "[0, 3]"]
    {
        let error = for_children(rule).expect_err(rule);
        assert_eq!(error.line, 10, "{rule}");
        assert!(error.reason.contains("3 or more"), "{rule}: {}", error.reason);
    }
    let rated = "id = \"h\"\nname = \"H\"\nschema = \"household\"\nperiod = \"monthly\"\n[[version]]\n\
                 from = 2026-01-01\n[[version.tier]]\n\
                 amount = { rate = 500, per = \"children\", cap = 1000 }\nrules.members = \"1 or more\"\n";
    let error = Scheme::parse(rated).expect_err("children are no slot");
    assert_eq!((error.line, error.reason.as_str()), (8, "children can't be multiplied"));
    // No household has fewer than none, and every one has some number.
    assert_eq!(
        for_children("\"below 0\"").expect_err("nobody").reason,
        "no person can satisfy the rules of this tier"
    );
    let all = for_children("\"0 or more\"").expect("the other rule is left");
    assert_eq!(amounts(&all, "2026-06", household(&[1980])), [Some(500)]);
}

#[test]
fn rules_for_households_are_read_out_in_every_language() {
    let text = "id = \"h\"\nname = \"H\"\nschema = \"household\"\nperiod = \"monthly\"\n[[version]]\n\
                from = 2026-01-01\n[[version.tier]]\namount = { rate = 100, per = \"members\", cap = 500 }\n\
                rules.oldest = \"60 or more\"\nrules.children = { not = 1 }\nrules.ration_card = [\"AAY\"]\n";
    let scheme = Scheme::parse(text).expect("a scheme");
    let read = |language| {
        let reading = scheme.read_out(&scheme.versions[0], language);
        let tier = &reading.tiers[0];
        (tier.amount.clone(), tier.rules.iter().map(|line| line.text.clone()).collect::<Vec<_>>())
    };
    let (amount, lines) = read(Language::English);
    assert_eq!(amount, "₹100 for each unit of members of the household, at least ₹0, at most ₹500");
    assert_eq!(lines.len(), 3);
    for line in [
        "age of the oldest member in years: 60 or more",
        "members under 18: 0 or 2 or more",
        "ration card: Antyodaya Anna Yojana",
    ] {
        assert!(lines.iter().any(|said| said == line), "{lines:?}");
    }
    for language in Language::ALL {
        let (amount, lines) = read(language);
        assert!(!amount.contains("field-"), "{amount}");
        assert!(lines.iter().all(|line| !line.contains("field-")), "{lines:?}");
    }
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
