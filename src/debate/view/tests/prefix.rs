//! Requests of one agent begin alike, so that providers can cache how they begin.

use std::collections::BTreeMap;

use crate::debate::table;
use crate::debate::table::Table;
use crate::events::Purpose;
use crate::types::debate::Atom;

#[test]
fn the_requests_of_an_agent_share_system_question_and_evidence_to_the_byte() {
    let mut compared = 0;
    for format in table::formats() {
        let spec = table::spec(&format, 5);
        let mut table = Table::of(spec.clone());
        table.play(|turn| format!("Words of turn {turn}."));
        let mut last: BTreeMap<usize, (&str, &str, Vec<&Atom>)> = BTreeMap::new();
        for shown in table
            .shown
            .iter()
            .filter(|shown| shown.purpose == Purpose::Turn)
        {
            let turn = &table.state.turns()[shown.turn];
            let phase = spec.format.phase(&turn.phase).unwrap();
            let steady = |atom: &&Atom| {
                matches!(
                    atom,
                    Atom::Topic | Atom::Options | Atom::Facts | Atom::Secret(_)
                )
            };
            let steady: Vec<&Atom> = phase
                .sees
                .iter()
                .map(|sight| &sight.atom)
                .filter(steady)
                .collect();
            if let Some((system, user, same)) = last.get(&turn.member) {
                assert_eq!(*system, shown.system, "{format}");
                if *same == steady {
                    let shared = user
                        .bytes()
                        .zip(shown.user.bytes())
                        .take_while(|(a, b)| a == b)
                        .count();
                    let mut least = 0;
                    for text in std::iter::once(&spec.topic).chain(
                        spec.facts
                            .iter()
                            .map(|document| &document.text)
                            .filter(|_| same.contains(&&Atom::Facts)),
                    ) {
                        let end = user.find(text.as_str()).map_or(0, |at| at + text.len());
                        least = least.max(end);
                    }
                    assert!(
                        shared >= least,
                        "{format}: {shared} of {least} bytes are shared"
                    );
                    compared += 1;
                }
            }
            last.insert(turn.member, (&shown.system, &shown.user, steady));
        }
    }
    assert!(compared > 20, "only {compared} requests were compared");
}

#[test]
fn asking_again_asks_the_same_and_adds_at_the_end() {
    let mut table = Table::of(table::spec("society-of-minds", 5));
    let first = table.calls[0].chat.messages.clone();
    table.fail(0, "stream_interrupted");
    let again = table
        .calls
        .iter()
        .position(|call| call.attempt == 1)
        .unwrap();
    assert_eq!(table.calls[again].chat.messages, first);
    table.answer(again, "I cannot decide.");
    let mend = table
        .calls
        .iter()
        .find(|call| call.purpose == Purpose::Repair)
        .unwrap();
    assert_eq!(mend.chat.messages[..2], first[..]);
    assert_eq!(mend.chat.messages[2].joined_text(), "I cannot decide.");
    assert!(
        mend.chat.messages[3]
            .joined_text()
            .contains("could not be used")
    );
}
