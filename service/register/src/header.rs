//! A register's header: its columns' names as offices write them.
//!
//! A column is known by its own name, in any case and with any signs between its words, or by a name that other
//! registers have for the same. Sources of those: the lists of the Socio-Economic and Caste Census 2011, electoral
//! rolls, job cards under the rural employment guarantee, ration cards of several states, and forms of banks.

use super::RegisterError;
use super::record::Record;

/// Other registers' names of columns, with `_` between words.
const OTHER_NAMES: [(&str, &[&str]); 14] = [
    (
        "register_no",
        &["registration_no", "registration_number", "reg_no", "register_number", "beneficiary_id"],
    ),
    ("id_no", &["id_number", "identity_no", "identity_number"]),
    (
        "name",
        &[
            "beneficiary_name",
            "name_of_beneficiary",
            "name_of_the_beneficiary",
            "beneficiarys_name",
            "beneficiary_s_name",
            "applicant_name",
            "full_name",
            "elector_name",
            "name_in_english",
            "name_en",
        ],
    ),
    ("name_bn", &["name_in_bengali", "bengali_name", "name_bengali", "নাম"]),
    (
        "guardian",
        &[
            "guardian_name",
            "father_husband_name",
            "father_or_husband_name",
            "fathers_husbands_name",
            "name_of_father_husband",
            "father_s_husband_s_name",
            "father_name",
            "fathers_name",
            "father_s_name",
            "husband_name",
            "fathers_and_mothers_name",
            "guardian_s_name",
            "name_of_guardian",
            "পিতা_স্বামী",
            "পিতা_স্বামীর_নাম",
        ],
    ),
    ("sex", &["gender", "sex_m_f", "gender_m_f", "লিঙ্গ"]),
    (
        "dob",
        &[
            "date_of_birth",
            "birth_date",
            "d_o_b",
            "dob_dd_mm_yyyy",
            "date_of_birth_dd_mm_yyyy",
            "জন্ম_তারিখ",
        ],
    ),
    (
        "mobile",
        &["mobile_no", "mobile_number", "phone", "phone_no", "contact_no", "contact_number"],
    ),
    ("district", &["district_name", "জেলা"]),
    ("block", &["block_name", "block_municipality", "tehsil", "ব্লক"]),
    ("category", &["caste", "social_category", "social_cat", "caste_category"]),
    ("ration_card", &["ration_card_type", "ration_card_category", "type_of_ration_card"]),
    ("ifsc", &["ifsc_code", "bank_ifsc", "ifs_code"]),
    (
        "account",
        &[
            "account_no",
            "account_number",
            "a_c_no",
            "ac_no",
            "bank_account",
            "bank_account_no",
            "bank_account_number",
            "bank_a_c_no",
        ],
    ),
];

/// The names of a header's columns.
pub(super) struct Header(Vec<String>);

impl Header {
    pub(super) fn of(record: &Record) -> Self {
        let cells = (0..record.len()).map(|index| String::from_utf8_lossy(record.cell(index)));
        Self(cells.map(|cell| plain(&cell)).collect())
    }

    /// How many columns it has.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// How many columns there are up to the last one with a name.
    pub(super) fn named(&self) -> usize {
        self.0.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1)
    }

    /// Returns its names, those of some columns as they are called here.
    pub(super) fn names(&self, columns: &[&'static str]) -> Vec<String> {
        let mut names = self.0.clone();
        for column in columns {
            if let Ok(Some(place)) = self.place(column) {
                names[place] = (*column).to_owned();
            }
        }
        names
    }

    /// Whether it names most of some columns: then it is a header, and no title above one.
    pub(super) fn is_for(&self, columns: &[&'static str]) -> bool {
        let named = columns.iter().filter(|&&column| !matches!(self.place(column), Ok(None)));
        named.count() * 2 > columns.len()
    }

    /// Returns the place of a column, if it is there.
    ///
    /// # Errors
    /// [`RegisterError::Twice`] if two columns have its name: nothing shows which one is meant.
    pub(super) fn place(&self, column: &'static str) -> Result<Option<usize>, RegisterError> {
        let others =
            OTHER_NAMES.iter().find(|(known, _)| *known == column).map_or(&[][..], |of| of.1);
        for names in [&[column][..], others] {
            let mut places =
                (0..self.0.len()).filter(|&place| names.contains(&self.0[place].as_str()));
            match (places.next(), places.next()) {
                (None, _) => {}
                (Some(place), None) => return Ok(Some(place)),
                (Some(first), Some(second)) => {
                    let places = [first + 1, second + 1];
                    return Err(RegisterError::Twice { column, places });
                }
            }
        }
        Ok(None)
    }
}

/// Returns a column's name in lower case, with `_` between its words.
fn plain(cell: &str) -> String {
    let lower = cell.to_lowercase();
    // Vowel signs of Indian scripts are no letters to this test, and parts of words.
    let is_sign = |letter: char| {
        letter.is_ascii() && !letter.is_ascii_alphanumeric()
            || letter.is_whitespace()
            || matches!(letter, '\u{2010}'..='\u{201f}' | '\u{2bc}')
    };
    let words = lower.split(|letter| is_sign(letter) || letter == '\u{feff}');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}
