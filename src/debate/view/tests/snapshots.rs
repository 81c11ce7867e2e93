//! The exact messages that each speaker saw, for every shipped format: read them to see how a format feels.

use crate::debate::table;
use crate::debate::table::Table;

/// What the scripted speakers say, in turn.
const LINES: [&str; 5] = [
    "The lock was whole, so nobody broke in.",
    "A whole lock proves nothing: <quote>Nobody was at home.</quote> Who could have locked it?",
    "The owner had a key, and <quote>the owner was seen</quote> that night.",
    "A key is no match.",
    "Then it comes down to who was there.",
];

#[test]
fn what_each_speaker_saw() {
    for format in table::formats() {
        let mut table = Table::of(table::spec(&format, 7));
        table.play(|turn| format!("{} (said in turn {turn})", LINES[turn % LINES.len()]));
        let spec = table.state.spec();
        let mut text = String::new();
        for shown in &table.shown {
            let turn = &table.state.turns()[shown.turn];
            let member = &spec.cast[turn.member];
            let note = if turn.swapped {
                ", in the reverse order"
            } else {
                ""
            };
            text.push_str(&format!(
                "======== turn {}: {} ({}), {}, round {}{note}\n-------- system\n{}\n-------- user\n{}\n-------- {} says\n{}\n\n",
                shown.turn,
                member.name,
                member.role,
                turn.phase,
                turn.round + 1,
                shown.system,
                shown.user,
                member.name,
                turn.text
            ));
        }
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "snapshots", omit_expression => true }, {
            insta::assert_snapshot!(format!("shown_{}", format.replace('-', "_")), text);
        });
    }
}
