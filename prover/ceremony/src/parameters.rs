//! What a contribution says of itself beside its points: a name, and a beacon if it is one.
//!
//! No hash of a ceremony covers it, so that anyone could write another name: attestations are what is signed.
//!
//! Source: snarkjs 0.7 `zkey_utils.js` (`readMPCParams`, `writeMPCParams`), `powersoftau_utils.js`.

use praman_prover::KeyError;
use praman_prover::sections::SectionReader;

use crate::beacon::Beacon;

const PERSON: u32 = 0;
const BEACON: u32 = 1;

/// snarkjs cuts a name to so many UTF-16 units.
const LONGEST_NAME: usize = 64;

/// Name and beacon of a contribution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// As it stands in the file.
    name: Vec<u8>,
    pub(crate) beacon: Option<Beacon>,
}

impl Parameters {
    /// Parameters with a name, cut to what a file has room for.
    pub(crate) fn new(name: &str, beacon: Option<Beacon>) -> Self {
        let mut units = 0;
        let fits = |character: &char| {
            units += character.len_utf16();
            units <= LONGEST_NAME
        };
        let name: String = name.chars().take_while(fits).collect();
        Self { name: name.into_bytes(), beacon }
    }

    /// The name, in characters that stand where they are written.
    pub(crate) fn name(&self) -> String {
        let hidden = |found: char| {
            let directs = matches!(found, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
            found.is_control() || directs || found == '\u{feff}'
        };
        let name = String::from_utf8_lossy(&self.name);
        name.chars().map(|found| if hidden(found) { '\u{fffd}' } else { found }).collect()
    }

    /// Reads kind, length and parameters.
    pub(crate) fn read(section: &mut SectionReader<'_>) -> Result<Self, KeyError> {
        let kind = section.number()?;
        let length = section.number()? as usize;
        let malformed = section.clone();
        let malformed = |reason: &str| malformed.malformed(reason);
        let mut left = section.take(length)?;
        let (mut name, mut exponent, mut value) = (None, None, None);
        let mut last = 0;
        while let Some((&tag, rest)) = left.split_first() {
            if tag <= last || tag > 3 {
                return Err(malformed(
                    "the parameters of a contribution are none of 1 to 3, rising",
                ));
            }
            last = tag;
            let cut = || malformed("the parameters of a contribution are cut");
            // An exponent has no length before it.
            let (length, rest) = match tag {
                2 => (1, rest),
                _ => rest.split_first().map(|(&length, rest)| (length, rest)).ok_or_else(cut)?,
            };
            let (bytes, rest) = rest.split_at_checked(length.into()).ok_or_else(cut)?;
            match tag {
                1 => name = Some(bytes.to_vec()),
                2 => exponent = Some(bytes[0]),
                _ => value = Some(bytes.to_vec()),
            }
            left = rest;
        }
        let beacon = match (kind, exponent, value) {
            (PERSON, None, None) => None,
            (BEACON, Some(exponent), Some(value)) => {
                let beacon = Beacon::new(value, exponent);
                Some(beacon.map_err(|fault| malformed(&fault.to_string()))?)
            }
            (PERSON, ..) => return Err(malformed("a person's contribution names a beacon")),
            (BEACON, ..) => return Err(malformed("a beacon's contribution names none")),
            _ => return Err(malformed("a contribution is neither a person's nor a beacon's")),
        };
        Ok(Self { name: name.unwrap_or_default(), beacon })
    }

    /// Appends kind, length and parameters.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        if !self.name.is_empty() {
            bytes.extend([1, self.name.len() as u8]);
            bytes.extend(&self.name);
        }
        if let Some(beacon) = &self.beacon {
            bytes.extend([2, beacon.exponent(), 3, beacon.value().len() as u8]);
            bytes.extend(beacon.value());
        }
        out.extend(if self.beacon.is_some() { BEACON } else { PERSON }.to_le_bytes());
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend(bytes);
    }
}
