//! Public inputs as snarkjs' `public.json`.

use praman_circuits::Fr;
use praman_circuits::field::{parse_decimal, to_decimal};
use serde_json::Value;

use crate::json::{EXACT_MAX, ReadError, without_mark};

/// Reads `public.json`: an array of canonical decimal strings, or of numbers where these are exact.
///
/// # Errors
/// [`ReadError`] for other JSON and for values at or above the modulus, which would give one claim
/// two names.
pub fn public_from_json(text: &str) -> Result<Vec<Fr>, ReadError> {
    let values: Vec<Value> = serde_json::from_str(without_mark(text))?;
    let read = |(index, value): (usize, &Value)| match value {
        Value::String(text) => {
            parse_decimal(text).map_err(|fault| ReadError::PublicInput { index, fault })
        }
        // Others' readers keep 53 bits of a number.
        Value::Number(number) => match number.as_u64() {
            Some(exact) if exact <= EXACT_MAX => Ok(Fr::from(exact)),
            _ => Err(ReadError::NotExact { index }),
        },
        _ => Err(ReadError::NoNumber { index }),
    };
    values.iter().enumerate().map(read).collect()
}

/// Writes `public.json`.
pub fn public_to_json(public: &[Fr]) -> String {
    let texts: Vec<String> = public.iter().map(|&input| to_decimal(input)).collect();
    serde_json::to_string_pretty(&texts).expect("strings serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_are_neither_texts_nor_exact_numbers_are_refused() {
        let read = |text: &str| public_from_json(text);
        assert_eq!(read("[\"1\", 2, 0]"), Ok([1u64, 2, 0].map(Fr::from).to_vec()));
        let largest = format!("[{EXACT_MAX}]");
        assert_eq!(read(&largest), Ok(vec![Fr::from(EXACT_MAX)]));
        for text in ["[9007199254740992]", "[1.5]", "[-1]", "[1e3]", "[1e40]"] {
            assert_eq!(read(text), Err(ReadError::NotExact { index: 0 }), "{text}");
        }
        assert_eq!(read("[\"1\", null]"), Err(ReadError::NoNumber { index: 1 }));
        assert!(matches!(read("[\"-1\"]"), Err(ReadError::PublicInput { index: 0, .. })));
    }
}
