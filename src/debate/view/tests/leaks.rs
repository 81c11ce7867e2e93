//! Nobody is shown what is not theirs to see, in whatever order the calls end.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::debate::state::TurnRecord;
use crate::debate::table;
use crate::debate::table::NAMES;
use crate::debate::table::Shown;
use crate::debate::table::Table;
use crate::types::debate::Atom;
use crate::types::debate::HiddenUntil;
use crate::types::debate::Order;
use crate::types::debate::Phase;
use crate::types::debate::Sight;

/// Why a reader may not see a turn; `None` when it may. Knows the rules, and nothing of how they are kept.
fn forbidden(table: &Table, shown: &Shown, seen: usize) -> Option<&'static str> {
    let (state, turns) = (&table.state, table.state.turns());
    let (reader, other): (&TurnRecord, &TurnRecord) = (&turns[shown.turn], &turns[seen]);
    let phase = |id: &str| -> &Phase {
        state
            .spec()
            .format
            .phase(id)
            .expect("it is one of the format's")
    };
    let (own, theirs) = (phase(&reader.phase), phase(&other.phase));
    let same_block = reader.phase == other.phase && reader.round == other.round;
    let speaks_there = theirs.who.contains(&state.spec().cast[reader.member].role);
    let phase_is_over = turns
        .iter()
        .enumerate()
        .all(|(place, turn)| turn.phase != theirs.id || place < shown.turn);
    if !shown.over.contains(&seen) || seen > shown.turn {
        return Some("it had not been said");
    }
    if other.swapped {
        return Some("it is a check");
    }
    if same_block && own.order == Order::Simultaneous {
        return Some("all speak at once");
    }
    if same_block && reader.swapped && reader.member == other.member {
        return Some("it is what it checks");
    }
    match theirs.hidden_until {
        Some(HiddenUntil::End) if !speaks_there => return Some("it is hidden to the end"),
        Some(HiddenUntil::Phase) if !speaks_there && !phase_is_over => {
            return Some("its phase is hidden");
        }
        Some(_) | None => {}
    }
    (!state.hears(own, reader.member, other.member)).then_some("no edge leads there")
}

fn check(table: &Table, format: &str) {
    let (state, turns) = (&table.state, table.state.turns());
    let spec = state.spec();
    for shown in &table.shown {
        let reader = &turns[shown.turn];
        let member = &spec.cast[reader.member];
        let phase = spec
            .format
            .phase(&reader.phase)
            .expect("it is one of the format's");
        let place = format!(
            "{format}: {} in {} round {}",
            member.name, reader.phase, reader.round
        );
        for seen in 0..turns.len() {
            if shown.user.contains(&format!("turncanary-{seen}.")) {
                assert_eq!(
                    forbidden(table, shown, seen),
                    None,
                    "{place} sees turn {seen}"
                );
            }
        }
        let role = spec
            .format
            .role(&member.role)
            .expect("it is one of the format's");
        for (name, secret) in &spec.secrets {
            if shown.user.contains(&secret.text)
                || shown.user.contains(&format!("secretcanary-{name}"))
            {
                assert!(
                    role.secrets.contains(name),
                    "{place} sees the secret {name}"
                );
                let wanted = |sight: &Sight| sight.atom == Atom::Secret(name.clone());
                assert!(
                    phase.sees.iter().any(wanted),
                    "{place} sees the secret {name} unasked"
                );
            }
        }
        for (note, said) in state.interjections().iter().enumerate() {
            if shown.user.contains(&format!("notecanary-{note}.")) {
                let mine = said.to.as_ref().is_none_or(|to| *to == member.name);
                assert!(
                    mine && note < shown.notes,
                    "{place} hears what was not said to it"
                );
            }
        }
        let names_nobody = |sight: &Sight| match sight.atom {
            Atom::Own
            | Atom::OwnLast
            | Atom::Others
            | Atom::OthersLast
            | Atom::OthersRound(_)
            | Atom::Phase(_)
            | Atom::Summary
            | Atom::Votes => sight.anon || matches!(sight.atom, Atom::Own | Atom::OwnLast),
            Atom::Topic
            | Atom::Side
            | Atom::Human
            | Atom::Secret(_)
            | Atom::Options
            | Atom::Polls
            | Atom::Facts => true,
        };
        if phase.sees.iter().all(names_nobody) && !reader.picks && phase.order != Order::PairQa {
            for name in NAMES.iter().filter(|name| **name != member.name) {
                assert!(
                    !shown.user.contains(name),
                    "{place} reads the name {name}: {}",
                    shown.user
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_reaches_a_reader_that_is_not_for_it(seed in 0_u64..1_000_000) {
        for format in table::formats() {
            let mut table = Table::of(table::spec(&format, seed));
            table.play_at_random(Some(seed), |turn| format!("turncanary-{turn}."));
            check(&table, &format);
        }
    }

    #[test]
    fn the_order_in_which_calls_end_changes_nothing_that_anybody_sees(seed in 0_u64..1_000_000) {
        for format in table::formats() {
            let shown = |newest_first: bool| {
                let mut table = Table::of(table::spec(&format, seed));
                table.play_from(newest_first, |turn| format!("turncanary-{turn}."));
                let shown = table.shown.into_iter();
                shown.map(|shown| (shown.turn, shown.user)).collect::<BTreeMap<_, _>>()
            };
            prop_assert_eq!(shown(false), shown(true), "{}", format);
        }
    }
}
