//! What counts as standing in a source.

use proptest::prelude::*;

use super::*;
use crate::types::debate::Document;

const STORY: &str = "# The *Fire* at Number 12\n\nOn 3 May, the fire \u{2014} as Mr. Ha\u{fb03}ng later wrote \u{2014} \
didn\u{2019}t start in the kitchen.\nIt cost **1,200** dollars, or 3.5% of the budget.\n\n1. The [report](https://a.example/x_y) \
says so.\n2. Nobody wo**rr**ied; see `cargo_test`.\n\n\u{706b}\u{4e8b}\u{662f}\u{5728}\u{4e00}\u{697c}\u{53d1}\u{751f}\u{7684}\u{3002}";

fn sources(texts: &[(&str, &str)]) -> Sources {
    let document = |(title, text): &(&str, &str)| {
        Source::of(&Document {
            title: (*title).to_owned(),
            text: (*text).to_owned(),
        })
    };
    Sources(texts.iter().map(document).collect())
}

fn stands(quote: &str) -> bool {
    sources(&[("story", STORY)]).check(quote).verified
}

fn found(text: &str) -> Vec<(String, bool)> {
    let mut scanner = QuoteScanner::new(sources(&[("story", STORY)]));
    let mut found = scanner.feed(text);
    found.extend(scanner.finish());
    found
        .into_iter()
        .map(|quote| (quote.check.text, quote.check.verified))
        .collect()
}

#[test]
fn a_quote_stands_in_its_source_however_it_is_typeset() {
    for quote in [
        "the fire",
        "The Fire at number 12",
        "the fire - as mr haffing later wrote - didn't start",
        "DIDN\u{2019}T  START in\nthe kitchen",
        "1,200 dollars",
        "the report says so",
        "Nobody worried; see cargo_test",
        "Nobody **worried**",
        "\u{ff13} May",
        "\u{5728}\u{4e00}\u{697c}",
        "kitchen. It cost",
        "start in the",
        "3.5% of the budget",
    ] {
        assert!(stands(quote), "{quote}");
    }
}

#[test]
fn what_was_changed_cut_or_put_together_does_not() {
    for quote in [
        "the fire did start in the kitchen",
        "the fir",
        "he fire",
        "5% of the budget",
        "200 dollars",
        "35% of the budget",
        "200 dollars spent",
        "13 May",
        "",
        " . ",
        "\u{2026}",
        "the kitchen the fire",
    ] {
        assert!(!stands(quote), "{quote}");
    }
}

#[test]
fn the_parts_around_an_ellipsis_must_all_occur_in_order() {
    for (quote, wanted) in [
        ("On 3 May \u{2026} start in the kitchen", true),
        ("On 3 May [...] the kitchen ... the budget", true),
        ("\u{2026} the fire . . . of the budget \u{2026}", true),
        ("the budget \u{2026} On 3 May", false),
        ("On 3 May \u{2026} in the cellar", false),
        ("the fire \u{2026} the fire \u{2026} the fire", false),
    ] {
        assert_eq!(stands(quote), wanted, "{quote}");
    }
    let two = sources(&[("one", "alpha beta"), ("two", "gamma delta")]);
    assert!(
        !two.check("alpha \u{2026} delta").verified,
        "parts of two sources are no quote"
    );
    assert_eq!(two.check("gamma").source.as_deref(), Some("two"));
}

#[test]
fn a_quote_in_json_is_read_without_its_escapes() {
    let source = sources(&[("s", "He said \"no\"\nand left.")]);
    assert!(source.check(r#"said \"no\"\nand left"#).verified);
    assert!(!source.check(r#"said \"yes\"\nand left"#).verified);
}

#[test]
fn tags_may_be_unclosed_nested_or_stray() {
    for (text, wanted) in [
        ("no quote, a < b, <quot>x</quot>", vec![]),
        (
            "<quote>the fire</quote> and <QUOTE>zebra</Quote >",
            vec![("the fire", true), ("zebra", false)],
        ),
        (
            "<quote source=\"story\">the fire</quote>",
            vec![("the fire", true)],
        ),
        ("</quote> stray <quote>the fire", vec![("the fire", false)]),
        (
            "<quote>the <quote>the fire</quote> fire</quote>",
            vec![("the", false), ("the fire", true)],
        ),
        (
            "<quote>a < b and <b>c</quote>",
            vec![("a < b and <b>c", false)],
        ),
        ("<<quote>the fire<</quote>", vec![("the fire<", true)]),
        ("<quote>the fire</quot", vec![("the fire</quot", false)]),
        ("<quoted>the fire</quoted>", vec![]),
        ("<quote></quote>", vec![("", false)]),
    ] {
        let wanted: Vec<(String, bool)> = wanted
            .iter()
            .map(|(text, ok)| ((*text).to_owned(), *ok))
            .collect();
        assert_eq!(found(text), wanted, "{text}");
    }
}

#[test]
fn a_quote_without_end_does_not_swallow_the_text() {
    let long = format!("<quote>{} <quote>the fire</quote>", "word ".repeat(2_000));
    let found = found(&long);
    assert_eq!(found.len(), 2);
    assert!(found[0].0.chars().count() <= 201 && !found[0].1);
    assert_eq!(found[1], ("the fire".to_owned(), true));
}

#[test]
fn places_are_counted_in_characters_and_tags_stand_behind_the_quote() {
    let text = "\u{e4}\u{e4} <quote>the fire</quote>, <quote>zebra</quote>!";
    let mut scanner = QuoteScanner::new(sources(&[("story", STORY)]));
    let found = scanner.feed(text);
    let letters: Vec<char> = text.chars().collect();
    let cut = |quote: &FoundQuote| letters[quote.from..quote.to].iter().collect::<String>();
    assert_eq!(cut(&found[0]), "<quote>the fire</quote>");
    assert_eq!(cut(&found[1]), "<quote>zebra</quote>");
    let checks: Vec<QuoteCheck> = found.into_iter().map(|quote| quote.check).collect();
    assert_eq!(
        tagged(text, &checks, "q0"),
        "\u{e4}\u{e4} <quote>the fire</quote> [verified q0], <quote>zebra</quote> [unverified q0]!"
    );
}

#[test]
fn many_quotes_are_looked_at_and_no_more() {
    assert_eq!(
        found(&"<quote>x</quote>".repeat(MAX_QUOTES + 50)).len(),
        MAX_QUOTES
    );
}

proptest! {
    #[test]
    fn the_same_quotes_are_found_however_the_text_is_cut(
        text in "(<quote>|</quote>|<|the fire|<QUOTE|>|\u{e4}|[a-z<>/ ]){0,30}",
        cuts in prop::collection::vec(0_usize..200, 0..6),
    ) {
        let whole = {
            let mut scanner = QuoteScanner::new(sources(&[("story", STORY)]));
            let mut found = scanner.feed(&text);
            found.extend(scanner.finish());
            found
        };
        let letters: Vec<char> = text.chars().collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(letters.len())).collect();
        cuts.extend([0, letters.len()]);
        cuts.sort_unstable();
        let mut scanner = QuoteScanner::new(sources(&[("story", STORY)]));
        let mut found = Vec::new();
        for pair in cuts.windows(2) {
            found.extend(scanner.feed(&letters[pair[0]..pair[1]].iter().collect::<String>()));
        }
        found.extend(scanner.finish());
        prop_assert_eq!(&found, &whole);
        for (quote, span) in whole.iter().zip(scanner::spans(&text)) {
            prop_assert_eq!(text[..span.end].chars().count(), quote.to);
        }
    }

    #[test]
    fn a_piece_of_a_source_between_spaces_is_always_found(text in "[a-zA-Z0-9 .,'*_()\\-]{1,80}", from in 0_usize..80, length in 1_usize..40) {
        let words: Vec<&str> = text.split_whitespace().collect();
        prop_assume!(!words.is_empty());
        let from = from % words.len();
        let quote = words[from..words.len().min(from + length)].join(" ");
        prop_assume!(quote.chars().any(char::is_alphanumeric) && !quote.contains(".."));
        let source = sources(&[("s", &text)]);
        prop_assert!(source.check(&quote).verified, "{quote:?} in {text:?}");
    }

    #[test]
    fn checking_never_panics(source in "\\PC{0,80}", quote in "\\PC{0,40}") {
        let _ = sources(&[("s", &source)]).check(&quote);
    }
}
