//! What goes when a request is too long for its model, and what never does.

use proptest::prelude::*;

use crate::debate::table;
use crate::debate::table::Table;
use crate::debate::view;
use crate::debate::view::fit::Item;
use crate::debate::view::fit::Keep;
use crate::debate::view::fit::Request;
use crate::debate::view::fit::Section;
use crate::debate::view::fit::message_tokens;

fn item(text: &str, keep: Keep) -> Item {
    Item {
        text: text.to_owned(),
        keep,
    }
}

fn request(summary: bool) -> Request {
    let long = |what: &str| format!("{what} {}", "and so on ".repeat(30));
    Request {
        sections: vec![
            Section::of("The question", vec![Item::always("Is it?".to_owned())]),
            Section::of(
                "What you have said",
                vec![
                    item(&long("own1"), Keep::Own(1)),
                    item(&long("own4"), Keep::Own(4)),
                ],
            ),
            Section::of(
                "What the others have said",
                vec![
                    item(&long("other2"), Keep::Others(2)),
                    item(&long("other3"), Keep::Others(3)),
                    item(&long("other5"), Keep::Others(5)),
                ],
            ),
        ],
        task: "Answer.".to_owned(),
        summary: summary.then(|| Item::always("summed up".to_owned())),
    }
}

/// What is left at ever less room, each state once.
fn courses(request: &Request) -> Vec<String> {
    let whole = message_tokens(&request.fit(None).text);
    let marks = ["own1", "own4", "other2", "other3", "other5", "summed up"];
    let mut courses: Vec<String> = Vec::new();
    for room in (0..=whole).rev() {
        let fitted = request.fit(Some(room));
        assert_eq!(fitted.over > 0, message_tokens(&fitted.text) > room);
        let left: Vec<&str> = marks
            .into_iter()
            .filter(|mark| fitted.text.contains(mark))
            .collect();
        let course = format!(
            "{}{}",
            left.join(" "),
            if fitted.over > 0 { " too long" } else { "" }
        );
        if courses.last() != Some(&course) {
            courses.push(course);
        }
        assert!(fitted.text.contains("Is it?") && fitted.text.ends_with("Answer."));
    }
    courses
}

#[test]
fn the_oldest_of_others_goes_first_then_the_readers_oldest() {
    let expected = [
        "own1 own4 other2 other3 other5",
        "own1 own4 other3 other5",
        "own1 own4 other5",
        "own1 own4",
        "own4",
        "",
        " too long",
    ];
    assert_eq!(courses(&request(false)), expected);
}

#[test]
fn a_summary_stands_in_for_others_where_there_is_one() {
    let expected = [
        "own1 own4 other2 other3 other5",
        "own1 own4 other3 other5 summed up",
        "own1 own4 other5 summed up",
        "own1 own4 summed up",
        "own4 summed up",
        "summed up",
        "",
        " too long",
    ];
    assert_eq!(courses(&request(true)), expected);
}

#[test]
fn what_is_left_out_is_told_to_the_model_and_to_people() {
    let fitted = request(true).fit(Some(message_tokens(&request(true).fit(None).text) - 1));
    assert_eq!(
        fitted.left_out,
        ["the oldest text of others, summed up instead"]
    );
    assert!(
        fitted
            .text
            .contains("(One earlier text is left out here for want of room.)")
    );
    assert!(fitted.text.contains(
        "# A summary of what was said before\n\nsummed up\n\n# What the others have said"
    ));
}

#[test]
fn a_judge_with_a_small_window_still_gets_question_evidence_and_form() {
    let mut spec = table::spec("oxford", 4);
    let judge = spec.cast.len() - 1;
    spec.cast[judge].window_tokens = Some(9_000);
    let topic = spec.topic.clone();
    let mut table = Table::of(spec);
    table.play(|turn| format!("speech-{turn}. {}", "word ".repeat(1_500)));
    let turns = table.state.turns();
    let judging = turns
        .iter()
        .rev()
        .find(|turn| turn.member == judge)
        .expect("it judged");
    let rendered = view::render(&table.state, judging);
    assert_eq!(rendered.overflow, None);
    assert!(
        rendered.left_out[0].contains("of others"),
        "{:?}",
        rendered.left_out
    );
    let user = rendered.messages[1].joined_text();
    assert!(user.contains(&topic) && user.contains("\"winner\""));
    assert!(
        !user.contains("speech-0.") && user.contains("left out here"),
        "the oldest goes first"
    );
    let tokens: u64 = rendered
        .messages
        .iter()
        .map(|message| message_tokens(&message.joined_text()))
        .sum();
    assert!(tokens + u64::from(view::answer_tokens(&table.state, judging)) <= 9_000);
}

#[test]
fn what_does_not_fit_at_all_is_not_asked() {
    let mut spec = table::spec("single", 4);
    spec.topic = "word ".repeat(3_000);
    let speaks = spec.cast.len() - 1;
    for member in &mut spec.cast {
        member.window_tokens = Some(1_000_000);
    }
    let table = Table::of(spec.clone());
    let turn = &table.state.turns()[0];
    assert_eq!(view::render(&table.state, turn).overflow, None);
    spec.cast[speaks].window_tokens = Some(4_000);
    let (mut state, _) = crate::debate::state::State::create(crate::events::Created {
        spec,
        estimate: crate::types::debate::Estimate::default(),
        warnings: Vec::new(),
    });
    let step = state.step(crate::debate::state::Input::Started);
    let asked = step
        .actions
        .iter()
        .any(|action| matches!(action, crate::debate::state::Action::Call(_)));
    assert!(!asked, "a request that does not fit is not made");
    let text = format!("{:?}", step.events);
    assert!(
        text.contains("context_overflow") && text.contains("the window of"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn a_request_that_fits_is_never_longer_than_its_room(room in 0_u64..600, summary: bool) {
        let fitted = request(summary).fit(Some(room));
        if fitted.over == 0 {
            prop_assert!(message_tokens(&fitted.text) <= room);
        } else {
            prop_assert!(!fitted.text.contains("own4") && !fitted.text.contains("other5"));
        }
    }
}
