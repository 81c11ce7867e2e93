//! What a demo model reads out of a prompt: the question, its side, the kind of turn, and how much to say.

use std::sync::LazyLock;

use regex_lite::Regex;

use crate::types::Chat;
use crate::types::Role;

/// Whose side a speaker is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// For the motion.
    For,
    /// Against it.
    Against,
    /// Weighing.
    Neither,
}

/// The kind of turn that a prompt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The first word.
    Opening,
    /// An answer to the others.
    Rebuttal,
    /// One question to the other side.
    Asking,
    /// The answer to a question.
    Answering,
    /// The last word.
    Closing,
    /// A judgement.
    Ruling,
    /// A summary.
    Summary,
}

/// What an answer has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// Any text.
    Free,
    /// One of these.
    OneOf(Vec<String>),
    /// A number.
    Number,
}

/// What was read out of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Brief {
    pub(super) topic: String,
    pub(super) side: Side,
    /// `true` when the prompt gave it the side, so that it holds it whatever others say.
    pub(super) sided: bool,
    pub(super) occasion: Occasion,
    /// Words to say.
    pub(super) words: usize,
    /// Everything that was said before, to avoid saying it again.
    pub(super) said: String,
    /// Which of several choices it takes, by what it was told and not by the order in which it was told: a demo judge
    /// that reads both orders says the same.
    pub(super) leaning: usize,
    /// What the answer to the question has to be.
    pub(super) form: Form,
    /// `true` when nothing but the answer is wanted.
    pub(super) bare: bool,
    /// `true` when prose has to end with a line `Answer: …`.
    pub(super) signed: bool,
}

/// Longest topic that is quoted, in characters.
const MAX_TOPIC_CHARS: usize = 140;
/// Most words of a speech, whatever a prompt asks for.
const MAX_WORDS: usize = 600;

/// Reads a prompt. `temper` is the model's own side, used when the prompt gives it none.
pub(super) fn read(chat: &Chat, temper: Side, judging: bool) -> Brief {
    let texts: Vec<String> = chat.messages.iter().map(|m| m.joined_text()).collect();
    let system = joined(chat, &texts, |role| role == Role::System);
    let asked = joined(chat, &texts, |role| role == Role::User);
    // A debate's prompt has sections, and what is to be done stands in its last one.
    let last = texts.last().map_or("", String::as_str);
    let last = last.rsplit("\n# Your task\n").next().unwrap_or(last);
    let occasion = if judging {
        Occasion::Ruling
    } else {
        occasion_of(
            last,
            &system,
            chat.messages.iter().any(|m| m.role == Role::Assistant),
        )
    };
    let exactly = exactly_one_of(last);
    let side = named_side(&asked)
        .or_else(|| named_side(&system))
        .or_else(|| side_of(&system))
        .or_else(|| side_of(last));
    let bare = exactly.is_some();
    Brief {
        form: exactly.unwrap_or_else(|| form_of(&asked)),
        bare,
        signed: asked.contains("a line of its own: Answer:"),
        topic: topic_of(&system, &asked),
        side: side.unwrap_or(temper),
        sided: side.is_some(),
        occasion,
        words: words_of(last)
            .or_else(|| words_of(&system))
            .unwrap_or(usual_words(occasion)),
        leaning: leaning(&texts),
        said: texts.concat(),
    }
}

/// A number made of the long words of all texts, whatever their order. Names by which speakers are shown may change
/// with it, and are short or have digits.
fn leaning(texts: &[String]) -> usize {
    let words = texts
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let mut long: Vec<&str> = words
        .filter(|word| word.len() >= 5 && word.chars().all(char::is_alphabetic))
        .collect();
    long.sort_unstable();
    let hash = blake3::hash(long.join(" ").as_bytes());
    let [first, second, ..] = *hash.as_bytes();
    usize::from(first) * 256 + usize::from(second)
}

/// The words of a task that wants exactly one of them.
fn exactly_one_of(task: &str) -> Option<Form> {
    let (_, rest) = task.rsplit_once("Answer with exactly one of \"")?;
    let (words, _) = rest.rsplit_once("\", and nothing else")?;
    Some(Form::OneOf(
        words.split("\", \"").map(str::to_owned).collect(),
    ))
}

/// What the question says its answer has to be: the letter of one of its options, or a number.
fn form_of(asked: &str) -> Form {
    let mut letters: Vec<String> = Vec::new();
    for found in LETTERED.captures_iter(asked) {
        let next = char::from(b'A' + u8::try_from(letters.len()).unwrap_or_default());
        let letter = found.get(1).map_or("", |letter| letter.as_str());
        if letter.starts_with(next) {
            letters.push(letter.to_owned());
        }
    }
    if letters.len() >= 2 && LETTER.is_match(asked) {
        return Form::OneOf(letters);
    }
    match NUMBER.is_match(asked) {
        true => Form::Number,
        false => Form::Free,
    }
}

fn joined(chat: &Chat, texts: &[String], wanted: impl Fn(Role) -> bool) -> String {
    let mine = chat.messages.iter().zip(texts);
    let kept: Vec<_> = mine
        .filter(|(message, _)| wanted(message.role))
        .map(|(_, text)| text.as_str())
        .collect();
    kept.join("\n")
}

fn usual_words(occasion: Occasion) -> usize {
    match occasion {
        Occasion::Opening => 120,
        Occasion::Rebuttal => 100,
        Occasion::Asking => 24,
        Occasion::Answering => 50,
        Occasion::Closing | Occasion::Ruling | Occasion::Summary => 80,
    }
}

static LABELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?im)^\W*(?:the\s+)?(?:topic|question|motion|resolution|resolved|debate)\W*:\W*(.{3,})$",
    )
});
static TAGGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?is)<(?:topic|question|motion)>\s*(.+?)\s*</(?:topic|question|motion)>")
});
static HEADED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?im)^#+ *(?:the +)?(?:topic|question|motion)[ \t]*\n+(.{3,})$"));
static SIDE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?im)(?:^#+ *your side[ \t]*\n+\W*|\bside,? *:? *["“])([a-z]+)"#));
static TOLD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:give|write|make|deliver)\b[^.\n]{0,30}\b(opening|rebuttal|closing|verdict|summary)\b",
    )
});
static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"[“"]([^“”"\n]{10,})[”"]"#));
static LETTERED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^[ \t]*([A-Z])[).] "));
static LETTER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b(?:the|one|a|its) letter\b|\bletter alone\b"));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bone number alone\b"));
static WORDS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(\d{1,4})\s+words\b"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the patterns are constants, and a test compiles each")
}

fn topic_of(system: &str, asked: &str) -> String {
    let found = [&*TAGGED, &*HEADED, &*LABELLED, &*QUOTED]
        .iter()
        .find_map(|regex| {
            let captures = regex.captures(asked).or_else(|| regex.captures(system))?;
            Some(captures.get(1)?.as_str())
        });
    let whole = found.unwrap_or_else(|| first_sentence(asked));
    let trimmed = whole.trim_matches(|c: char| c.is_whitespace() || "\"“”'*_.".contains(c));
    let line = trimmed.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_TOPIC_CHARS) {
        Some((cut, _)) => format!("{}…", line[..cut].trim_end()),
        None if line.is_empty() => "the question at hand".to_owned(),
        None => line,
    }
}

fn first_sentence(text: &str) -> &str {
    let text = text.trim();
    let line = text.lines().next().unwrap_or_default();
    let end = line
        .char_indices()
        .find(|(at, c)| matches!(c, '?' | '!') || (*c == '.' && line[at + 1..].starts_with(' ')));
    match end {
        Some((at, c)) => &line[..at + c.len_utf8()],
        None => line,
    }
}

const FOR_WORDS: &[&str] = &[
    "affirmative",
    "proposition",
    "proponent",
    "in favour",
    "in favor",
    "argue for",
    "arguing for",
    "speak for",
    "speaking for",
    "side: for",
    "support the",
    "defend the",
    "pro",
    "optimist",
    "advocate",
];
const AGAINST_WORDS: &[&str] = &[
    "negative",
    "opposition",
    "opponent of",
    "against",
    "argue against",
    "arguing against",
    "oppose",
    "side: against",
    "attack the",
    "con",
    "skeptic",
    "sceptic",
    "critic",
];

/// The side that a prompt names outright, such as `your side, "pro"`.
fn named_side(text: &str) -> Option<Side> {
    SIDE.captures_iter(text).find_map(|captures| {
        match captures.get(1)?.as_str().to_lowercase().as_str() {
            "for" | "pro" | "aff" | "affirmative" | "proposition" | "government" | "yes" => {
                Some(Side::For)
            }
            "against" | "con" | "neg" | "negative" | "opposition" | "no" => Some(Side::Against),
            _ => None,
        }
    })
}

/// The side named by the first sentence that speaks to the reader and names exactly one.
fn side_of(text: &str) -> Option<Side> {
    let lower = text.to_lowercase();
    lower
        .split(['.', '\n', '!', ';'])
        .filter(|sentence| sentence.contains("you") || sentence.contains("side"))
        .find_map(|sentence| {
            let named = |words: &[&str]| words.iter().any(|word| has_word(sentence, word));
            match (named(FOR_WORDS), named(AGAINST_WORDS)) {
                (true, false) => Some(Side::For),
                (false, true) => Some(Side::Against),
                (true, true) | (false, false) => None,
            }
        })
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

const OCCASIONS: &[(Occasion, &[&str])] = &[
    (
        Occasion::Ruling,
        &[
            "verdict",
            "you are the judge",
            "who won",
            "rule on",
            "your ruling",
        ],
    ),
    (
        Occasion::Summary,
        &[
            "summarise",
            "summarize",
            "summary",
            "synthesis",
            "synthesise",
            "synthesize",
        ],
    ),
    (
        Occasion::Closing,
        &["closing", "final statement", "last word"],
    ),
    (
        Occasion::Answering,
        &[
            "answer directly",
            "answer the question",
            "answer their question",
            "answer it directly",
        ],
    ),
    (
        Occasion::Asking,
        &[
            "ask one",
            "ask a question",
            "one question",
            "sharp question",
            "put a question",
        ],
    ),
    (
        Occasion::Rebuttal,
        &[
            "rebut",
            "respond to",
            "reply to",
            "strongest point",
            "counter",
            "disagree",
        ],
    ),
    (
        Occasion::Opening,
        &["opening", "first statement", "make your case"],
    ),
];

/// The instruction stands last in a prompt, so lines are read from the end.
fn occasion_of(last: &str, system: &str, has_spoken: bool) -> Occasion {
    let named = |text: &str| {
        text.to_lowercase().lines().rev().find_map(|line| {
            OCCASIONS
                .iter()
                .find(|(_, words)| words.iter().any(|word| line.contains(word)))
                .map(|(occasion, _)| *occasion)
        })
    };
    let told = TOLD.captures_iter(last).last();
    told.and_then(|captures| named(captures.get(1)?.as_str()))
        .or_else(|| named(last))
        .or_else(|| named(system))
        .unwrap_or(match has_spoken {
            true => Occasion::Rebuttal,
            false => Occasion::Opening,
        })
}

fn words_of(text: &str) -> Option<usize> {
    let last = WORDS.captures_iter(text).last()?;
    let wanted: usize = last.get(1)?.as_str().parse().ok()?;
    (wanted > 0).then_some(wanted.min(MAX_WORDS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Message;

    fn chat(system: &str, user: &str) -> Chat {
        Chat {
            messages: vec![
                Message::text(Role::System, system),
                Message::text(Role::User, user),
            ],
            ..Chat::default()
        }
    }

    #[test]
    fn the_topic_is_found_behind_a_label_in_a_tag_in_quotes_or_in_the_first_sentence() {
        for user in [
            "Topic: Should trams be free?\nWrite your opening.",
            "<topic>\nShould trams be free?\n</topic>\nWrite.",
            "The motion is “Should trams be free?” and you open.",
            "Should trams be free? Answer as you like.",
            "**Motion:** *Should trams be free?*",
        ] {
            let brief = read(&chat("", user), Side::Neither, false);
            assert_eq!(brief.topic, "Should trams be free?", "{user}");
        }
    }

    #[test]
    fn the_side_is_the_one_that_the_prompt_gives() {
        for (system, side) in [
            ("You argue for the motion.", Side::For),
            ("You are on the negative side.", Side::Against),
            (
                "Two sides, pro and con. You speak against it.",
                Side::Against,
            ),
            ("Your side: PRO.", Side::For),
            ("You are a helpful speaker.", Side::Neither),
            ("You are a professor of consent law.", Side::Neither),
        ] {
            assert_eq!(
                read(&chat(system, "x"), Side::Neither, false).side,
                side,
                "{system}"
            );
        }
    }

    #[test]
    fn the_occasion_is_named_by_the_last_instruction() {
        for (user, occasion) in [
            ("Write your opening statement.", Occasion::Opening),
            (
                "The opening was long.\nNow rebut its strongest point.",
                Occasion::Rebuttal,
            ),
            ("Ask one sharp question.", Occasion::Asking),
            ("Answer directly, in two sentences.", Occasion::Answering),
            ("Give your closing; no new claims.", Occasion::Closing),
            ("Give your verdict.", Occasion::Ruling),
        ] {
            assert_eq!(
                read(&chat("", user), Side::For, false).occasion,
                occasion,
                "{user}"
            );
        }
    }

    #[test]
    fn the_sections_of_a_debates_prompt_are_understood() {
        let system =
            "You take part in a structured debate as Cedar, speaking for the side \"con\".";
        let user = "# The question\n\nShould trams be free?\n\n# Your side\n\ncon\n\n\
            # What the others have said\n\n[quote 1a from Harbor]\nMy opening: yes, in 500 words.\n[/quote 1a]\n\n\
            # Your task\n\nGive the rebuttal for your side, \"con\".\n\n\
            - Do not repeat your opening.\n\nSpeak in at most 180 words.";
        let brief = read(&chat(system, user), Side::For, false);
        assert_eq!(brief.topic, "Should trams be free?");
        assert_eq!(brief.side, Side::Against);
        assert_eq!(brief.occasion, Occasion::Rebuttal);
        assert_eq!(brief.words, 180);
    }

    #[test]
    fn the_form_of_the_answer_is_the_one_that_the_question_or_the_task_names() {
        let form = |user: &str| read(&chat("", user), Side::For, false).form;
        let lettered = "Which?\n\nA) trams\nB) buses\n\nGive the letter of the right option alone.";
        assert_eq!(form(lettered), Form::OneOf(vec!["A".into(), "B".into()]));
        assert_eq!(form("How many? Give one number alone."), Form::Number);
        assert_eq!(form("Which?\nA) trams\nB) buses"), Form::Free);
        let brief = read(
            &chat(
                "",
                "# Your task\n\nAnswer with exactly one of \"for\", \"against\", and nothing else.",
            ),
            Side::For,
            false,
        );
        assert!(brief.bare);
        assert_eq!(
            brief.form,
            Form::OneOf(vec!["for".into(), "against".into()])
        );
    }

    #[test]
    fn a_hint_about_words_is_heard() {
        let brief = read(&chat("", "Opening, in about 220 words."), Side::For, false);
        assert_eq!(brief.words, 220);
        let brief = read(&chat("", "At most 90000 words"), Side::For, false);
        assert_eq!(brief.words, usual_words(Occasion::Opening));
    }
}
