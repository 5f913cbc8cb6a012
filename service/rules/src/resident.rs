//! A resident's values that a schema numbers.

mod spelling;

/// Declares a numbered list with its spellings, the first being the usual one.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident: $(
        $(#[$variant_doc:meta])* $variant:ident = $code:literal: $($spelling:literal)|+
    ),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $code),+
        }

        impl $name {
            /// All values with their usual spellings.
            pub const ALL: &[(Self, &str)] = &[$((Self::$variant, first(&[$($spelling),+]))),+];

            /// Returns the value that a cell spells, in any case, with or without stops, hyphens and spaces.
            pub fn from_cell(cell: &str) -> Option<Self> {
                let cell = spelling::letters(cell);
                $(
                    if [$($spelling),+].iter().any(|known| spelling::letters(known) == cell) {
                        return Some(Self::$variant);
                    }
                )+
                None
            }

            /// Returns the number of the value in a credential.
            pub fn code(self) -> u32 {
                self as u32
            }
        }
    };
}

const fn first(spellings: &[&'static str]) -> &'static str {
    spellings[0]
}

codes! {
    /// Sex.
    Sex:
    /// Female.
    Female = 1: "F" | "FEMALE" | "WOMAN" | "MAHILA" | "মহিলা" | "স্ত্রী" | "নারী" | "महिला" | "स्त्री" | "औरत",
    /// Male.
    Male = 2: "M" | "MALE" | "MAN" | "PURUSH" | "পুরুষ" | "पुरुष" | "पुरूष",
    /// Transgender.
    Transgender = 3: "T" | "TG" | "TRANSGENDER" | "TRANS" | "THIRD GENDER" | "তৃতীয় লিঙ্গ" | "ট্রান্সজেন্ডার" | "तृतीय लिंग" |
        "ट्रांसजेंडर",
}

codes! {
    /// Social category.
    Category:
    /// General.
    General = 1: "GEN" | "GENERAL" | "UR" | "UNRESERVED" | "সাধারণ" | "सामान्य",
    /// Scheduled caste.
    ScheduledCaste = 2: "SC" | "SCHEDULED CASTE" | "তপশিলি জাতি" | "তফসিলি জাতি" | "তপশিলী জাতি" | "अनुसूचित जाति",
    /// Scheduled tribe.
    ScheduledTribe = 3: "ST" | "SCHEDULED TRIBE" | "তপশিলি উপজাতি" | "তফসিলি উপজাতি" | "তপশিলী উপজাতি" | "अनुसूचित जनजाति",
    /// Other backward classes, A.
    OtherBackwardA = 4: "OBC-A",
    /// Other backward classes, B.
    OtherBackwardB = 5: "OBC-B",
}

codes! {
    /// Ration card. A card that the state does not give, or none, is `None`; a word that is not known is no value.
    RationCard:
    /// No card that the state knows.
    None = 0: "NONE" | "" | "APL" | "NPHH" | "NON PRIORITY HOUSEHOLD" | "NA" | "NIL" | "NO" | "NO CARD" |
        "NO RATION CARD" | "NOT APPLICABLE" | "NOT AVAILABLE" | "OTHER" | "OTHERS" | "নেই" | "নাই" | "नहीं" | "कोई नहीं",
    /// Antyodaya Anna Yojana.
    Aay = 1: "AAY" | "ANTYODAYA" | "ANTYODAYA ANNA YOJANA" | "অন্ত্যোদয়" | "অন্ত্যোদয় অন্ন যোজনা" | "अंत्योदय" |
        "अंत्योदय अन्न योजना",
    /// Priority household.
    Phh = 2: "PHH" | "PRIORITY HOUSEHOLD",
    /// Special priority household.
    Sphh = 3: "SPHH" | "SPECIAL PRIORITY HOUSEHOLD",
    /// Rajya Khadya Suraksha Yojana I.
    RksyI = 4: "RKSY-I" | "RKSY-1",
    /// Rajya Khadya Suraksha Yojana II.
    RksyII = 5: "RKSY-II" | "RKSY-2",
}

codes! {
    /// Relation of a member to the head of their household.
    Relation:
    /// The head.
    Head = 1: "HEAD" | "SELF" | "HEAD OF FAMILY" | "HEAD OF THE FAMILY" | "HEAD OF HOUSEHOLD" | "HOF" | "HOH" | "গৃহকর্তা" |
        "গৃহকর্ত্রী" | "পরিবারের প্রধান" | "নিজে" | "मुखिया" | "परिवार का मुखिया" | "परिवार की मुखिया" | "स्वयं",
    /// Husband or wife.
    Spouse = 2: "SPOUSE" | "WIFE" | "HUSBAND" | "স্ত্রী" | "স্বামী" | "पत्नी" | "पति",
    /// A child of theirs, of any age.
    Child = 3: "CHILD" | "SON" | "DAUGHTER" | "পুত্র" | "কন্যা" | "ছেলে" | "মেয়ে" | "সন্তান" | "पुत्र" | "पुत्री" | "बेटा" |
        "बेटी" | "संतान",
    /// Father or mother.
    Parent = 4: "PARENT" | "FATHER" | "MOTHER" | "পিতা" | "মাতা" | "বাবা" | "মা" | "पिता" | "माता",
    /// Anyone else who lives there.
    Other = 5: "OTHER" | "OTHERS" | "RELATIVE" | "OTHER RELATIVE" | "অন্য" | "অন্যান্য" | "আত্মীয়" | "अन्य" | "रिश्तेदार",
    /// A member who has died: they are no member any more, and the row says why they are missing.
    Deceased = 6: "DECEASED" | "DEAD" | "DIED" | "মৃত" | "প্রয়াত" | "मृत" | "मृतक" | "दिवंगत",
}

codes! {
    /// The state's 23 districts.
    District:
    /// Alipurduar.
    Alipurduar = 1: "ALIPURDUAR",
    /// Bankura.
    Bankura = 2: "BANKURA",
    /// Birbhum.
    Birbhum = 3: "BIRBHUM",
    /// Cooch Behar.
    CoochBehar = 4: "COOCH BEHAR",
    /// Dakshin Dinajpur.
    DakshinDinajpur = 5: "DAKSHIN DINAJPUR",
    /// Darjeeling.
    Darjeeling = 6: "DARJEELING",
    /// Hooghly.
    Hooghly = 7: "HOOGHLY",
    /// Howrah.
    Howrah = 8: "HOWRAH",
    /// Jalpaiguri.
    Jalpaiguri = 9: "JALPAIGURI",
    /// Jhargram.
    Jhargram = 10: "JHARGRAM",
    /// Kalimpong.
    Kalimpong = 11: "KALIMPONG",
    /// Kolkata.
    Kolkata = 12: "KOLKATA",
    /// Malda.
    Malda = 13: "MALDA",
    /// Murshidabad.
    Murshidabad = 14: "MURSHIDABAD",
    /// Nadia.
    Nadia = 15: "NADIA",
    /// North 24 Parganas.
    North24Parganas = 16: "NORTH 24 PARGANAS",
    /// Paschim Bardhaman.
    PaschimBardhaman = 17: "PASCHIM BARDHAMAN",
    /// Paschim Medinipur.
    PaschimMedinipur = 18: "PASCHIM MEDINIPUR",
    /// Purba Bardhaman.
    PurbaBardhaman = 19: "PURBA BARDHAMAN",
    /// Purba Medinipur.
    PurbaMedinipur = 20: "PURBA MEDINIPUR",
    /// Purulia.
    Purulia = 21: "PURULIA",
    /// South 24 Parganas.
    South24Parganas = 22: "SOUTH 24 PARGANAS",
    /// Uttar Dinajpur.
    UttarDinajpur = 23: "UTTAR DINAJPUR",
}

impl std::str::FromStr for District {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::spelt(name).ok_or_else(|| format!("{name:?} is not a district of the state"))
    }
}
