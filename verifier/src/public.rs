//! Public inputs as snarkjs' `public.json`.

use praman_circuits::Fr;
use praman_circuits::field::{parse_decimal, to_decimal};

use crate::json::ReadError;

/// Reads `public.json`: an array of canonical decimal strings.
///
/// # Errors
/// [`ReadError`] for other JSON and for values at or above the modulus, which would give one claim
/// two names.
pub fn public_from_json(text: &str) -> Result<Vec<Fr>, ReadError> {
    let texts: Vec<String> = serde_json::from_str(text)?;
    let read = |(index, text): (usize, &String)| {
        parse_decimal(text).map_err(|fault| ReadError::PublicInput { index, fault })
    };
    texts.iter().enumerate().map(read).collect()
}

/// Writes `public.json`.
pub fn public_to_json(public: &[Fr]) -> String {
    let texts: Vec<String> = public.iter().map(|&input| to_decimal(input)).collect();
    serde_json::to_string_pretty(&texts).expect("strings serialise")
}
