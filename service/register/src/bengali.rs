//! Names in Bengali script.

use unicode_normalization::UnicodeNormalization;

use super::name::is_honorific;

/// A Bengali name in which letters that sound alike are the same.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct BengaliName {
    /// All words, without spaces; empty if the cell has no Bengali letters.
    pub(super) joined: String,
    /// The first word.
    pub(super) first: String,
}

impl BengaliName {
    pub(super) fn of(name: &str) -> Self {
        let composed: String = name.nfkc().collect::<String>().replace("য\u{9bc}", "\u{9df}");
        let is_letter = |c: char| matches!(c, '\u{980}'..='\u{9e5}' | '\u{9f0}'..='\u{9fe}');
        let mut words: Vec<&str> =
            composed.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).collect();
        while words.len() > 1 && is_honorific(words[0]) {
            words.remove(0);
        }
        let folded: Vec<String> = words.into_iter().map(fold).collect();
        Self { joined: folded.concat(), first: folded.into_iter().next().unwrap_or_default() }
    }
}

fn fold(word: &str) -> String {
    word.chars()
        .filter_map(|character| match character {
            // Candrabindu, nukta, visarga, virama.
            'ঁ' | '\u{9bc}' | 'ঃ' | '্' => None,
            'ী' => Some('ি'),
            'ূ' => Some('ু'),
            'ঈ' => Some('ই'),
            'ঊ' => Some('উ'),
            'ণ' => Some('ন'),
            'শ' | 'ষ' => Some('স'),
            'য' => Some('জ'),
            'ৎ' => Some('ত'),
            'ং' => Some('ঙ'),
            other => Some(other),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_alike_are_alike() {
        let name = |text: &str| BengaliName::of(text).joined;
        assert_eq!(name("রীনা দাস"), name("রিনা দাশ"));
        assert_ne!(name("রিনা দাস"), name("মিনা দাস"));
        assert_eq!(name("শ্রীমতী রিনা দাস"), name("রিনা দাস"));
        assert_eq!(name("Rina"), "");
    }
}
