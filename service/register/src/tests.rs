use super::*;

const SAMPLE: &[u8] = include_bytes!("../../data/register.csv");
const TRUTH: &str = include_str!("../../data/register-truth.csv");

fn today() -> Day {
    praman_language::calendar::day_of(jiff::civil::date(2026, 11, 23)).expect("after 1900")
}

fn check_text(rows: &[&str]) -> Vec<(String, Verdict)> {
    let text = format!("\u{feff}{}\r\n{}", COLUMNS.join(","), rows.join("\r\n"));
    let register = check(text.as_bytes(), today(), |_| ()).expect("a register");
    register.rows().map(|(number, verdict)| (number.to_owned(), verdict)).collect()
}

const ROW: &str = "W1,,Rina Das,রিনা দাস,Tapan Das,F,1980-07-13,8597971147,Malda,Old Malda,SC,PHH,\
                   45900,0.41,0,SBIN0993518,0190";

fn with(column: &str, cell: &str) -> String {
    let place = COLUMNS.iter().position(|&c| c == column).expect("a column");
    let mut cells: Vec<&str> = ROW.split(',').collect();
    cells[place] = cell;
    cells.join(",")
}

#[test]
fn sample_comes_out_as_a_careful_clerk_would_have_it() {
    let register = check(SAMPLE, today(), |_| ()).expect("a register");
    let mut report = Vec::new();
    write_report(&register, &Matches::default(), &mut report).expect("written");
    let report = String::from_utf8(report).expect("UTF-8");
    let truth: Vec<&str> = TRUTH.trim_start_matches('\u{feff}').lines().collect();
    let found: Vec<&str> = report.lines().collect();
    let wrong: Vec<_> = truth.iter().zip(&found).filter(|(t, f)| t != f).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(truth.len(), found.len());
    let counts = Counts { rows: 2_191, accepted: 1_987, rejected: 97, duplicates: 107 };
    assert_eq!(register.counts(), counts);
    assert_eq!(register.people().len(), 1_987);
}

#[test]
fn each_field_is_named_when_it_is_at_fault() {
    use Field::*;
    for (column, cell, field) in [
        ("id_no", "123456789012", IdNo),
        ("name", "  ", Name),
        ("sex", "Q", Sex),
        ("dob", "1975", Dob),
        ("dob", "2031-05-01", Dob),
        ("dob", "01/01/1900", Dob),
        ("mobile", "12345", Mobile),
        ("district", "Atlantis", District),
        ("category", "XYZ", Category),
        ("annual_income", "-5000", AnnualIncome),
        ("land_acres", "1000.01", LandAcres),
        ("disability_pct", "101", DisabilityPct),
        ("ration_card", "Antodya", RationCard),
        ("ifsc", "SBI00123", Ifsc),
        ("account", "4.4101E+12", Account),
    ] {
        let verdicts = check_text(&[&with(column, cell)]);
        assert_eq!(verdicts, [("W1".to_owned(), Verdict::Reject(field))], "{column} {cell:?}");
    }
    assert_eq!(check_text(&[ROW])[0].1, Verdict::Accept);
}

#[test]
fn file_with_the_month_first_is_refused() {
    let rows = |dates: &[&str]| {
        let row = |(number, date): (usize, &&str)| {
            with("dob", date).replacen("W1", &format!("W{number}"), 1)
        };
        let rows: Vec<String> = dates.iter().enumerate().map(row).collect();
        check(format!("{}\n{}", COLUMNS.join(","), rows.join("\n")).as_bytes(), today(), |_| ())
    };
    let refused = rows(&["03/04/1980", "03/25/1980", "05/06/1981"]).err().expect("month first");
    assert!(refused.to_string().contains("row 2 "), "{refused}");
    // One slip among dates with the day first is rejected alone, and one alone shows nothing of others.
    assert!(rows(&["03 04 1980", "03251980", "05/06/1981 00:00"]).is_err());
    for dates in [
        &["03/04/1980", "03/25/1980", "25/03/1980"][..],
        &["03/25/1980", "1981-06-05"],
        &["03/25/1980", "05/06/1981", "1981-06-05"],
    ] {
        assert!(rows(dates).is_ok(), "{dates:?}");
    }
}

#[test]
fn number_of_two_people_is_that_of_the_first() {
    let other = with("name", "Kartik Sarkar").replace(",F,", ",M,");
    let verdicts = check_text(&[ROW, &other, ROW]);
    let verdicts: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    let expected = [Verdict::Accept, Verdict::Reject(Field::RegisterNo), Verdict::Duplicate(0)];
    assert_eq!(verdicts, expected);
    // Whose number is mistyped in one row is accepted by another.
    let again = other.replacen("W1", "W2", 1);
    let third = other.replacen("W1", "W3", 1);
    let verdicts = check_text(&[ROW, &other, &again, &third]);
    let verdicts: Vec<Verdict> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    let expected = [
        Verdict::Accept,
        Verdict::Reject(Field::RegisterNo),
        Verdict::Accept,
        Verdict::Duplicate(2),
    ];
    assert_eq!(verdicts, expected);
}

#[test]
fn people_with_names_in_another_script_are_told_apart() {
    let unnamed = with("name_bn", "");
    let native = |number: &str, name: &str, mobile: &str| {
        let row = unnamed.replacen("W1", number, 1).replacen("Rina Das", name, 1);
        row.replacen("8597971147", mobile, 1)
    };
    let rows = [
        native("W1", "রিনা দাস", "8597971147"),
        native("W2", "মালতী হাঁসদা", "9903137215"),
        native("W3", "রিনা দাস", "8597971147"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let text = format!("{}\n{}", COLUMNS.join(","), rows.join("\n"));
    let register = check(text.as_bytes(), today(), |_| ()).expect("a register");
    let verdicts: Vec<Verdict> = register.rows().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, [Verdict::Accept, Verdict::Accept, Verdict::Duplicate(0)]);
    let marks: Vec<_> = register.people().iter().map(Person::marks).collect();
    assert!(*marks[0].name_and_birth != *marks[1].name_and_birth, "one mark for two people");
}

#[test]
fn guardian_in_another_script_is_not_another_guardian() {
    let other = with("guardian", "তপন দাস").replacen("W1", "W2", 1);
    assert_eq!(check_text(&[ROW, &other])[1].1, Verdict::Duplicate(0));
}

#[test]
fn broken_row_is_rejected_alone() {
    let trailing = format!(
        "{},,,",
        ROW.replacen("W1", "W2", 1).replace("Rina", "Malati").replace("রিনা", "মালতী")
    );
    let verdicts = check_text(&["W0,only,three", ROW, "", &format!("{ROW},more"), &trailing]);
    let columns = Verdict::Reject(Field::Columns);
    let verdicts: Vec<_> = verdicts.into_iter().map(|(_, verdict)| verdict).collect();
    assert_eq!(verdicts, [columns, Verdict::Accept, columns, Verdict::Accept]);

    let mut bytes = COLUMNS.join(",").into_bytes();
    bytes.extend(b"\nW9,\xff\xfe,x\n");
    bytes.extend(ROW.as_bytes());
    let register = check(&bytes[..], today(), |_| ()).expect("a register");
    let verdicts: Vec<_> = register.rows().collect();
    let expected = [("W9", Verdict::Reject(Field::Encoding)), ("W1", Verdict::Accept)];
    assert_eq!(verdicts, expected);
}

#[test]
fn file_without_a_register_in_it_is_refused() {
    assert!(matches!(check(&b""[..], today(), |_| ()), Err(RegisterError::Empty)));
    let wrong = check(&b"name,age\nA,1\n"[..], today(), |_| ()).err().expect("no register");
    assert!(wrong.to_string().contains("register_no"), "{wrong}");
}

#[test]
fn columns_in_any_order_are_accepted() {
    let mut columns: Vec<&str> = COLUMNS.to_vec();
    let mut cells: Vec<&str> = ROW.split(',').collect();
    columns.reverse();
    cells.reverse();
    let text = format!("{}\n{}\n", columns.join(","), cells.join(","));
    let register = check(text.as_bytes(), today(), |_| ()).expect("a register");
    assert_eq!(register.rows().next(), Some(("W1", Verdict::Accept)));
}

#[test]
fn twins_namesakes_and_relatives_are_not_duplicates() {
    let twin = with("name", "Mina Das").replace("W1", "W2").replace("রিনা", "মিনা");
    let namesake = "W3,120002010199,Rina Das,রিনা দাস,Gopal Das,F,1980-07-13,9903137215,Nadia,Krish,\
                    SC,PHH,45900,0.41,0,UCBA0684268,77701";
    let brother = with("name", "Tarun Das").replace("W1", "W4").replace(",F,", ",M,");
    let mut verdicts = check_text(&[ROW, &twin, namesake, &brother]);
    assert!(verdicts.drain(..).all(|(_, verdict)| verdict == Verdict::Accept));
}

#[test]
fn same_person_spelt_otherwise_is_a_duplicate() {
    let respelt = with("name", "RINA DASS").replace("W1", "W2").replace("8597971147", "9903137215");
    let slipped = with("name", "Rian Das").replace("W1", "W3").replace(",0190", ",55501");
    let verdicts = check_text(&[ROW, &respelt, &slipped]);
    assert_eq!(verdicts[1].1, Verdict::Duplicate(0));
    assert_eq!(verdicts[2].1, Verdict::Duplicate(0));
}

#[test]
fn many_people_of_one_day_and_place_do_not_cost_their_square() {
    // Everyone born on one day in one district, no one with papers: the worst case for the keys.
    let names = ["Rina", "Mina", "Gita", "Sita", "Lata", "Maya", "Jaya", "Rupa", "Dipa", "Soma"];
    let rows: Vec<String> = (0..4_000u64)
        .map(|i| {
            // Scattered, so that two people share things only by chance.
            let any = |salt: u64, below: u64| {
                ((i + 1).wrapping_mul(salt | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % below
            };
            let name = names[any(3, 10) as usize];
            let surname = ["Das", "Roy", "Pal"][any(5, 3) as usize];
            let guardian = ["Tapan", "Gopal", "Ratan", "Dilip"][any(7, 4) as usize];
            let category = ["GEN", "SC", "ST", "OBC-A", "OBC-B"][any(11, 5) as usize];
            let card = ["AAY", "PHH", "SPHH", "RKSY-I"][any(13, 4) as usize];
            let (mobile, block, land) = (9_000_000_000 + i, any(17, 50), any(19, 97));
            format!(
                "X{i},,{name} {surname},,{guardian} Das,F,1980-01-01,{mobile},Malda,B{block},\
                 {category},{card},{i},0.{land:02},0,SBIN0{i:06},1{i:05}"
            )
        })
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let accepted = check_text(&rows).iter().filter(|(_, v)| *v == Verdict::Accept).count();
    // A few share as much by chance as two rows of one person.
    assert!(accepted > 3_700, "{accepted}");
}

#[test]
fn rows_of_one_name_and_date_cost_no_square_and_are_one_person() {
    let row = |number: usize| ROW.replacen("W1", &format!("W{number}"), 1);
    let rows: Vec<String> = (1..=20_000).map(row).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let started = std::time::Instant::now();
    let verdicts = check_text(&rows);
    println!("{} rows in {:.1} s", rows.len(), started.elapsed().as_secs_f64());
    assert_eq!(verdicts[0].1, Verdict::Accept);
    let of_first = |(_, verdict): &(String, Verdict)| *verdict == Verdict::Duplicate(0);
    assert!(verdicts[1..].iter().all(of_first));
}

#[test]
fn rows_that_were_not_compared_with_all_are_reviewed() {
    // Rows of one date and place, with different names that begin alike.
    let row = |number: usize| {
        let (a, b) = (number % 26, number / 26 % 26);
        let letter = |place: usize| char::from(b'A' + place as u8);
        let name = format!("Rin{}{}{} Das", letter(a), letter(b), letter(number / 676 % 26));
        with("name", &name)
            .replacen("W1", &format!("W{number}"), 1)
            .replacen("8597971147", &format!("8{:09}", number), 1)
            .replacen("রিনা দাস", "", 1)
            .replacen("Tapan Das", "", 1)
    };
    let rows: Vec<String> = (1..=1_200).map(row).collect();
    let text = format!("{}\r\n{}", COLUMNS.join(","), rows.join("\r\n"));
    let register = check(text.as_bytes(), today(), |_| ()).expect("a register");
    let compared = register.people().iter().filter(|one| register.is_compared(one)).count();
    assert!(compared > 0 && compared < register.people().len(), "{compared}");
    // In an ordinary register everyone is.
    let sample = check(SAMPLE, today(), |_| ()).expect("a register");
    assert!(sample.people().iter().all(|one| sample.is_compared(one)));
}

#[test]
fn header_is_found_below_titles_and_by_other_registers_names() {
    let header = COLUMNS.join(",");
    let spaced = header.replace('_', " ").to_uppercase();
    let other = header
        .replace("register_no", "Registration No.")
        .replace(
            "name,name_bn,guardian,sex,dob",
            "Name of Beneficiary,Name in Bengali,Father/Husband Name,Gender,D.O.B.",
        )
        .replace("ifsc,account", "IFSC Code,A/c No.");
    let lines = header.replace("annual_income", "\"annual\nincome\"");
    for header in [
        header.clone(),
        spaced,
        other,
        lines,
        format!("List of beneficiaries,,\n\nBlock: Bolpur\n{header}"),
    ] {
        let again = header.rsplit("Bolpur\n").next().expect("a header");
        let text = format!("{header}\n{ROW}\n,,,,,,,,,,,,,,,,\n{again}\n");
        let register = check(text.as_bytes(), today(), |_| ()).expect("a register");
        let rows: Vec<_> = register.rows().collect();
        assert_eq!(rows, [("W1", Verdict::Accept)], "{header}");
    }
    let twice = format!("{header},Account No\n{ROW},0190\n");
    assert!(check(twice.as_bytes(), today(), |_| ()).is_ok(), "the column's own name counts");
    let twice = format!("{header},account\n{ROW},55501\n");
    let refused = check(twice.as_bytes(), today(), |_| ()).err().expect("two accounts").to_string();
    assert!(refused.contains("account twice, as column 17 and column 18"), "{refused}");
}

#[test]
fn same_person_is_known_under_an_alias_or_a_title() {
    for name in ["Rina Das @ Rinu", "Rina Das alias Rinu", "Mst. Rina Das", "Mosammat Rina Das"] {
        let other = with("name", name).replace("W1", "W2").replace("8597971147", "9903137215");
        let other = other.replace("রিনা দাস", "").replace(",0190", ",55501");
        assert_eq!(check_text(&[ROW, &other])[1].1, Verdict::Duplicate(0), "{name}");
    }
}
