//! A person's slip for their case.

use sha2::{Digest, Sha256};

/// Letters and digits of which no two are mistaken for each other: Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The length of a code: 50 bits.
const CHARACTERS: usize = 10;

/// The code on a slip. The store has only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct SlipCode(String);

impl SlipCode {
    pub(super) fn generate() -> Self {
        let random = praman_files::sealed::random_key();
        let letters = random[..CHARACTERS].iter().map(|&byte| ALPHABET[usize::from(byte % 32)]);
        Self(letters.map(char::from).collect())
    }

    /// Returns the printed form: 4F7K2-9QXMB.
    pub fn printed(&self) -> String {
        let (first, second) = self.0.split_at(CHARACTERS / 2);
        format!("{first}-{second}")
    }

    /// Returns the hash of a case's code.
    pub(super) fn hash(&self, number: u32) -> Vec<u8> {
        let hasher =
            Sha256::new().chain_update(b"praman.slip.1").chain_update(number.to_be_bytes());
        hasher.chain_update(&self.0).finalize().to_vec()
    }
}

impl std::str::FromStr for SlipCode {
    type Err = &'static str;

    /// Reads a code as people write it: in any case, with spaces and hyphens, O for 0, and I or L for 1.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let letters = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
        let read = letters.map(|letter| match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
        let code: String = read.collect();
        let known = |letter: u8| ALPHABET.contains(&letter);
        if code.len() != CHARACTERS || !code.bytes().all(known) {
            return Err("the code on a slip must have ten letters and digits");
        }
        Ok(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_write_them() {
        let code = SlipCode::generate();
        let printed = code.printed();
        let read = |text: &str| text.parse::<SlipCode>().ok().map(|code| code.printed());
        assert_eq!(read(&printed), Some(printed.clone()));
        assert_eq!(read(&printed.to_lowercase().replace('-', " ")), Some(printed));
        assert_eq!(read("oIl00 00000"), Some("01100-00000".to_owned()));
        for bad in ["", "123", "0123456789A", "012345678U"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn slip_code_is_good_for_its_case_alone() {
        let code = SlipCode::generate();
        assert_ne!(code.hash(1), code.hash(2));
    }
}
