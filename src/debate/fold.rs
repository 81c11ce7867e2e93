//! One form of a text for comparing: compatibility forms resolved, lower case, nothing invisible in it.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Brings a text into NFKC and lower case, without characters that cannot be seen.
///
/// Full-width letters, ligatures and the many dashes, quotation marks and spaces become their plain kind. What
/// NFKC would make another number of stays apart: `10²` becomes `10^2` and not `102`, `3½` becomes `3 1/2` and
/// not `31/2`.
pub(super) fn folded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !invisible(*c)) {
        let after_digit = plain.ends_with(|before: char| before.is_numeric());
        match raised(c) {
            Some(digit) => {
                let goes_on = after_digit && ends_with_power(&plain);
                if !goes_on {
                    plain.push('^');
                }
                plain.push(digit);
            }
            None => {
                if after_digit && is_vulgar_fraction(c) {
                    plain.push(' ');
                }
                plain.push(c);
            }
        }
    }
    let normal = ComposingNormalizerBorrowed::new_nfkc().normalize(&plain);
    normal.to_lowercase().chars().map(plain_sign).collect()
}

/// Characters that change nothing for a reader: joiners, direction marks, soft hyphens, byte order marks.
fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
    )
}

fn raised(c: char) -> Option<char> {
    Some(match c {
        '\u{2070}' => '0',
        '\u{b9}' => '1',
        '\u{b2}' => '2',
        '\u{b3}' => '3',
        '\u{2074}' => '4',
        '\u{2075}' => '5',
        '\u{2076}' => '6',
        '\u{2077}' => '7',
        '\u{2078}' => '8',
        '\u{2079}' => '9',
        _ => return None,
    })
}

fn ends_with_power(text: &str) -> bool {
    text.trim_end_matches(|c: char| c.is_ascii_digit())
        .ends_with('^')
}

fn is_vulgar_fraction(c: char) -> bool {
    matches!(c, '\u{bc}'..='\u{be}' | '\u{2150}'..='\u{215f}' | '\u{2189}')
}

fn plain_sign(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{2032}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => '"',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{2217}' => '*',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_text_fold_to_one() {
        for (one, other) in [
            ("\u{ff34}\u{ff45}\u{ff53}\u{ff54}", "test"),
            ("na\u{ef}ve", "nai\u{308}ve"),
            ("\u{fb01}ne", "FINE"),
            ("it\u{2019}s", "it's"),
            ("\u{2212}5", "-5"),
            ("a\u{200b}b\u{202e}c\u{feff}", "abc"),
            ("\u{bd}", "1/2"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
    }

    #[test]
    fn another_number_stays_another_number() {
        assert_eq!(folded("10\u{b2}"), "10^2");
        assert_eq!(folded("10\u{b9}\u{2070}"), "10^10");
        assert_eq!(folded("3\u{bd}"), "3 1/2");
    }
}
