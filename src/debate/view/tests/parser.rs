//! A reader of requests that shares nothing with what writes them: it knows what the system message says about
//! fences, and that a dash was put into every mark inside one.

/// What stands in fences, and what does not.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) mark: String,
    /// Label and text of each fence.
    pub(super) fenced: Vec<(String, String)>,
    /// All lines outside fences.
    pub(super) outside: String,
}

/// Reads a request.
pub(super) fn parse(system: &str, user: &str) -> Request {
    let after = system
        .split("Text between [quote ")
        .nth(1)
        .expect("the rule about fences");
    let mark = after.split(' ').next().expect("the mark").to_owned();
    assert_eq!(mark.len(), 9, "{mark}");
    let opening = format!("[quote {mark} ");
    let closing = format!("[/quote {mark}]");
    let mut request = Request {
        mark: mark.clone(),
        fenced: Vec::new(),
        outside: String::new(),
    };
    let mut inside: Option<(String, Vec<&str>)> = None;
    for line in user.split('\n') {
        match &mut inside {
            None => match line.strip_prefix(&opening) {
                Some(label) => {
                    let label = label.strip_suffix(']').expect("a label ends its line");
                    inside = Some((label.to_owned(), Vec::new()));
                }
                None => {
                    request.outside.push_str(line);
                    request.outside.push('\n');
                }
            },
            Some((label, lines)) if line == closing => {
                let text = unescaped(&lines.join("\n"), &mark);
                request.fenced.push((label.clone(), text));
                inside = None;
            }
            Some((_, lines)) => lines.push(line),
        }
    }
    assert!(inside.is_none(), "a fence is not closed: {user}");
    assert!(
        !request.outside.contains(&mark),
        "the mark stands outside: {}",
        request.outside
    );
    request
}

/// Takes the notes about quotes and one dash of each mark out again.
fn unescaped(text: &str, mark: &str) -> String {
    let mut text = text.to_owned();
    for word in ["verified", "unverified"] {
        text = text.replace(&format!(" [{word} {mark}]"), "");
    }
    assert!(
        !text.contains(mark),
        "the bare mark stands in a fence: {text}"
    );
    let (letter, digits) = mark.split_at(1);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(digits) {
        let before = &rest[..at];
        let dashes = before.len() - before.trim_end_matches('-').len();
        let marked = before[..before.len() - dashes].ends_with(letter);
        out.push_str(&before[..before.len() - usize::from(marked && dashes > 0)]);
        out.push_str(digits);
        rest = &rest[at + digits.len()..];
    }
    out + rest
}
