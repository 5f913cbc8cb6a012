//! Turns a row into a person, or rejects it for its first wrong field.

use std::fmt;

use praman_circuits::period::{Day, Period};
use praman_language::calendar;
use praman_rules::resident::{Category, District, RationCard, Relation, Sex};

use super::date::DateOrder;
use super::header::Header;
use super::person::Person;
use super::record::Record;
use super::{
    COLUMNS, HOUSEHOLD_COLUMN, PAID_UNTIL_COLUMN, RELATION_COLUMN, RegisterError, SUBJECT_COLUMN,
    cell, date, id_number, money, payee_name, relation,
};
use crate::bank_account::{is_ifsc, is_registered_account};

/// What a row is rejected for; as the report spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The row is not UTF-8.
    Encoding,
    /// The row has more or fewer cells than the header.
    Columns,
    /// Register number.
    RegisterNo,
    /// Identity number.
    IdNo,
    /// Name.
    Name,
    /// Sex.
    Sex,
    /// Birth date.
    Dob,
    /// Mobile number.
    Mobile,
    /// District.
    District,
    /// Category.
    Category,
    /// Ration card.
    RationCard,
    /// Annual income.
    AnnualIncome,
    /// Land.
    LandAcres,
    /// Disability.
    DisabilityPct,
    /// IFSC.
    Ifsc,
    /// Account number.
    Account,
    /// The holder's commitment.
    Subject,
    /// The last month that was paid before.
    PaidUntil,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "encoding",
            Self::Columns => "columns",
            Self::RegisterNo => "register_no",
            Self::IdNo => "id_no",
            Self::Name => "name",
            Self::Sex => "sex",
            Self::Dob => "dob",
            Self::Mobile => "mobile",
            Self::District => "district",
            Self::Category => "category",
            Self::RationCard => "ration_card",
            Self::AnnualIncome => "annual_income",
            Self::LandAcres => "land_acres",
            Self::DisabilityPct => "disability_pct",
            Self::Ifsc => "ifsc",
            Self::Account => "account",
            Self::Subject => SUBJECT_COLUMN,
            Self::PaidUntil => PAID_UNTIL_COLUMN,
        })
    }
}

/// The place of each column.
pub(super) struct Columns {
    places: [usize; COLUMNS.len()],
    subject: Option<usize>,
    paid_until: Option<usize>,
    household: Option<usize>,
    /// The relation to a household's head; looked for only where there are households.
    relation: Option<usize>,
    count: usize,
    /// How many there are up to the last one with a name.
    named: usize,
}

impl Columns {
    pub(super) fn from_header(header: &Header) -> Result<Self, RegisterError> {
        let (mut places, mut missing) = ([0; COLUMNS.len()], Vec::new());
        for (at, column) in places.iter_mut().zip(COLUMNS) {
            match header.place(column)? {
                Some(place) => *at = place,
                None => missing.push(column),
            }
        }
        if !missing.is_empty() {
            return Err(RegisterError::Header { missing });
        }
        let (subject, paid_until) =
            (header.place(SUBJECT_COLUMN)?, header.place(PAID_UNTIL_COLUMN)?);
        let household = header.place(HOUSEHOLD_COLUMN)?;
        // Other registers have a column of this name, for the guardian's relation.
        let relation = match household {
            Some(_) => header.place(RELATION_COLUMN)?,
            None => None,
        };
        let (count, named) = (header.count(), header.named());
        Ok(Self { places, subject, paid_until, household, relation, count, named })
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns what a row's birth date shows of the order of day and month.
    pub(super) fn date_order(&self, record: &Record) -> Option<DateOrder> {
        let place = COLUMNS.iter().position(|&column| column == "dob")?;
        let place = Some(self.places[place]).filter(|&place| place < record.len())?;
        let cell = cell::text(&String::from_utf8_lossy(record.cell(place)));
        DateOrder::of(&cell::without_mark(cell))
    }
}

/// What a row came to.
pub(super) struct CleanedRow {
    pub(super) register_no: String,
    /// Empty if it has none.
    pub(super) household_no: String,
    pub(super) outcome: Result<Person, Field>,
}

/// Returns a row's numbers and the person, or the wrong field. Of several faults the first column's counts, and the
/// row's form before any.
pub(super) fn clean_row(record: &Record, columns: &Columns, today: Day) -> CleanedRow {
    let number_place = columns.places[0].min(record.len().saturating_sub(1));
    let register_no = cell::text(&String::from_utf8_lossy(record.cell(number_place)));
    let household_no = optional(record, columns.household).unwrap_or_default();
    let outcome = clean_person(record, columns, today, &register_no);
    CleanedRow { register_no, household_no, outcome }
}

fn clean_person(
    record: &Record,
    columns: &Columns,
    today: Day,
    register_no: &str,
) -> Result<Person, Field> {
    let mut cells = [""; COLUMNS.len()];
    if (0..record.len()).any(|index| std::str::from_utf8(record.cell(index)).is_err()) {
        return Err(Field::Encoding);
    }
    // Spreadsheets leave empty cells behind the last column, or leave them out.
    let is_whole = columns.named <= record.len()
        && (columns.count..record.len()).all(|place| record.cell(place).trim_ascii().is_empty());
    if record.is_broken() || !is_whole {
        return Err(Field::Columns);
    }
    for (cell, &place) in cells.iter_mut().zip(&columns.places) {
        *cell = std::str::from_utf8(record.cell(place)).map_err(|_| Field::Encoding)?;
    }
    let [
        _,
        id_no,
        name,
        name_bn,
        guardian,
        sex,
        dob,
        mobile,
        district,
        block,
        category,
        ration_card,
        annual_income,
        land_acres,
        disability_pct,
        ifsc,
        account,
    ] = cells.map(cell::text);
    let [id_no, dob, mobile, annual_income, land_acres, disability_pct, ifsc, account] =
        [id_no, dob, mobile, annual_income, land_acres, disability_pct, ifsc, account]
            .map(cell::without_mark);

    if register_no.is_empty() {
        return Err(Field::RegisterNo);
    }
    let has_no_id = ["NA", "N/A", "N.A.", "NIL", "NONE"].contains(&id_no.to_uppercase().as_str());
    let id_no = if has_no_id { String::new() } else { id_no };
    let id_no = id_number::parse(&id_no).map_err(|()| Field::IdNo)?;
    let name = payee_name::payee(&name).ok_or(Field::Name)?.to_owned();
    let sex = Sex::from_cell(&sex).ok_or(Field::Sex)?;
    let born = date::parse_date(&dob).filter(|&day| is_past(day, today)).ok_or(Field::Dob)?;
    Ok(Person {
        register_no: register_no.to_owned(),
        id_no,
        name,
        name_bn,
        guardian: relation::guardian(&guardian).to_owned(),
        guardian_as_written: guardian,
        sex,
        born,
        mobile: parse_mobile(&mobile).ok_or(Field::Mobile)?,
        district: District::spelt(&district).ok_or(Field::District)?,
        block: block.to_uppercase(),
        category: Category::from_cell(&category).ok_or(Field::Category)?,
        ration_card: parse_ration_card(&ration_card).ok_or(Field::RationCard)?,
        annual_income: money::rupees(&annual_income).ok_or(Field::AnnualIncome)?,
        land_decimals: money::decimals_of_land(&land_acres).ok_or(Field::LandAcres)?,
        disability_percent: money::percent(&disability_pct).ok_or(Field::DisabilityPct)?,
        ifsc: parse_ifsc(&ifsc).ok_or(Field::Ifsc)?,
        account: parse_account(&account).ok_or(Field::Account)?,
        subject: optional(record, columns.subject)
            .map(|cell| cell.parse().map_err(|_| Field::Subject))
            .transpose()?,
        paid_until: optional(record, columns.paid_until)
            .map(|cell| month(&cell).ok_or(Field::PaidUntil))
            .transpose()?,
        household_no: optional(record, columns.household),
        relation: optional(record, columns.relation).and_then(|cell| Relation::from_cell(&cell)),
    })
}

/// Returns the cell of an optional column; none if it is empty.
fn optional(record: &Record, place: Option<usize>) -> Option<String> {
    let place = place.filter(|&place| place < record.len());
    let cell = place.map(|place| cell::text(&String::from_utf8_lossy(record.cell(place))));
    cell.filter(|cell| !cell.is_empty())
}

/// Parses a month such as 2026-05, or a date's month.
fn month(cell: &str) -> Option<Period> {
    let first = calendar::read_month(cell);
    calendar::month_of(first.or_else(|| calendar::date_of(date::parse_date(cell)?))?)
}

/// Whether a day is after the year 1900 and before today.
fn is_past(day: Day, today: Day) -> bool {
    const FIRST_OF_1901: u32 = 365;
    (FIRST_OF_1901..today.0).contains(&day.0)
}

/// The kind of a ration card, which may have the card's number behind it. A number alone does not tell the kind, and
/// an unknown word may be one of the kinds, misspelt: it is not counted as no card.
fn parse_ration_card(cell: &str) -> Option<RationCard> {
    if let Some(kind) = RationCard::from_cell(cell) {
        return Some(kind);
    }
    let kind =
        cell.trim_end_matches(|sign: char| sign.is_ascii_digit() || matches!(sign, '/' | ' '));
    let digits = cell[kind.len()..].bytes().filter(u8::is_ascii_digit).count();
    let has_number = digits > 3;
    RationCard::from_cell(kind).filter(|kind| has_number && *kind != RationCard::None)
}

/// An Indian mobile number: ten digits, the first 6 to 9, with or without the country's or the trunk
/// prefix.
fn parse_mobile(cell: &str) -> Option<u64> {
    // As a spreadsheet saves a number with a fraction.
    let bare: String = cell
        .strip_suffix(".0")
        .unwrap_or(cell)
        .chars()
        .filter(|character| !matches!(character, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let number = match bare.len() {
        10 => bare.as_str(),
        _ => ["0091", "+91", "91", "091", "0"]
            .iter()
            .filter_map(|prefix| bare.strip_prefix(prefix))
            .map(|rest| rest.strip_prefix('0').filter(|rest| rest.len() == 10).unwrap_or(rest))
            .find(|rest| rest.len() == 10)?,
    };
    let digits = number.as_bytes();
    // One digit ten times stands for a number that is not known.
    let is_filler = digits.iter().all(|digit| *digit == digits[0]);
    let valid = digits.iter().all(u8::is_ascii_digit) && digits[0] >= b'6' && !is_filler;
    if valid { number.parse().ok() } else { None }
}

/// Four letters, a zero, six letters or digits, with or without spaces and hyphens. An O in the place of the zero is
/// one.
fn parse_ifsc(cell: &str) -> Option<String> {
    let mut code: String =
        cell::code(cell).chars().filter(|character| !matches!(character, ' ' | '-')).collect();
    if code.get(4..5) == Some("O") {
        code.replace_range(4..5, "0");
    }
    Some(code).filter(|code| is_ifsc(code))
}

/// An account number without the spaces and hyphens that people write. One with letters apart from its digits is
/// refused: they may be the kind of account, or a bank, or a part of the number. So are two numbers in one cell.
fn parse_account(cell: &str) -> Option<String> {
    /// From how many digits on a group of them is an account of its own.
    const WHOLE: usize = 9;
    let groups: Vec<&str> = cell.split([' ', '-']).filter(|group| !group.is_empty()).collect();
    let has_letters = groups.iter().any(|group| group.contains(|one: char| one.is_alphabetic()));
    let wholes = groups.iter().filter(|group| group.len() >= WHOLE).count();
    if groups.len() > 1 && (has_letters || wholes > 1) {
        return None;
    }
    let account = groups.concat();
    is_registered_account(&account).then(|| account.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_numbers_in_usual_spellings_are_read() {
        for cell in [
            "6590830166",
            "65908 30166",
            "+91-6590830166",
            "+916590830166",
            "06590830166",
            "916590830166",
            "0091 6590830166",
            "(+91) 65908-30166",
            "+91 06590830166",
            "6590830166.0",
        ] {
            assert_eq!(parse_mobile(cell), Some(6_590_830_166), "{cell}");
        }
        for bad in
            ["", "12345", "5590830166", "65908301667", "+926590830166", "659083016x", "9999999999"]
        {
            assert_eq!(parse_mobile(bad), None, "{bad}");
        }
    }

    #[test]
    fn ration_card_is_its_kind_and_never_a_number_alone() {
        for (cell, kind) in [
            ("SPHH", Some(RationCard::Sphh)),
            ("SPHH0123456789", Some(RationCard::Sphh)),
            ("AAY/1234567890", Some(RationCard::Aay)),
            ("RKSY-1", Some(RationCard::RksyI)),
            ("APL", Some(RationCard::None)),
            ("", Some(RationCard::None)),
            ("No Card", Some(RationCard::None)),
            ("নেই", Some(RationCard::None)),
            ("0123456789", None),
            ("WB0123456789", None),
            ("Antodaya", None),
            ("PH", None),
            ("BPL", None),
            ("RKSY", None),
            ("yes", None),
        ] {
            assert!(parse_ration_card(cell) == kind, "{cell}");
        }
    }

    #[test]
    fn account_is_read_without_its_spaces() {
        for (cell, account) in [
            ("4410100023781", "4410100023781"),
            ("6563 2122 33079", "656321223307 9"),
            ("1234-5678-90", "1234567890"),
            ("sb01/1", ""),
            ("sb0101", "SB0101"),
        ] {
            let expected = Some(account.replace(' ', "")).filter(|account| !account.is_empty());
            assert_eq!(parse_account(cell), expected, "{cell}");
        }
        let long = "1".repeat(35);
        for bad in [
            "",
            "0",
            "0000000",
            "NIL",
            "NA",
            "123",
            "4.4101E+12",
            "44E12",
            "4410100023781.0",
            "XXXXXXXX7543",
            "****7543",
            "SB 4410100023781",
            "A/c 4410100023781",
            "UBI 4410100023781",
            "4410100023781 SBI",
            "4410100023781SBI",
            "44101X00023781",
            "4410100023781 4410100023799",
            "4410100023781/4410100023799",
            "44101000237814410100023799",
            "SBIN0993518",
            "1111111111",
            &long,
        ] {
            assert_eq!(parse_account(bad), None, "{bad}");
        }
    }

    #[test]
    fn ifsc_of_another_form_is_refused() {
        for cell in ["sbin0993518", "SBIN 0993518", "SBIN-0993518", "SBINO993518"] {
            assert_eq!(parse_ifsc(cell).as_deref(), Some("SBIN0993518"), "{cell}");
        }
        for bad in ["", "SBI00123", "SBIN1993518", "SBIN09935189", "5BIN0993518", "SBIN09935*8"] {
            assert_eq!(parse_ifsc(bad), None, "{bad}");
        }
    }
}
