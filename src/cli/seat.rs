//! A person at the terminal: what they are asked, and what they type.

use std::io::BufRead;

use tokio::sync::mpsc;

use crate::events::Command;
use crate::events::Envelope;
use crate::events::EventBody;
use crate::types::TurnId;

/// Lines that wait to be taken, at most; more are left in the terminal.
const WAITING_LINES: usize = 64;

/// What can be typed.
const HELP: &str = "  /vote CHOICE [1-10]   vote in the open poll, and how sure you are\n  /say TEXT             put in a remark\n";

/// The lines that are typed, from now on. The channel closes at the end of the input.
pub(super) fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(WAITING_LINES);
    // A read of a terminal cannot be given up, so that it has a thread of its own, which ends with the program.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The next line; never, where none can come.
pub(super) async fn next_line(typed: &mut Option<mpsc::Receiver<String>>) -> String {
    if let Some(lines) = typed
        && let Some(line) = lines.recv().await
    {
        return line;
    }
    // At the end of the input nothing more comes.
    std::future::pending().await
}

/// What a person at the terminal may do, and is asked.
#[derive(Debug, Default)]
pub(super) struct Seat {
    /// The agent whose seat they hold; any seat when `None`.
    own: Option<String>,
    /// The turn that they are asked for, and what they have written of it.
    asked: Option<(TurnId, String)>,
    poll: Option<String>,
}

impl Seat {
    /// For the seat of an agent, or for whichever is asked.
    pub(super) fn of(own: Option<String>) -> Self {
        Self {
            own,
            ..Self::default()
        }
    }

    /// Takes an event, and gives what to show.
    pub(super) fn event(&mut self, event: &Envelope) -> String {
        match (&event.body, &event.turn) {
            (EventBody::HumanRequested(request), turn) => {
                let is_other = self.own.is_some() && request.agent != self.own;
                match (&request.agent, turn) {
                    (Some(agent), Some(turn)) if !is_other => {
                        self.asked = Some((turn.clone(), String::new()));
                        format!(
                            "\n── {agent}, it is your turn: you have {} s ──\n{}\n\nEnd your answer with an empty line.\n> ",
                            request.deadline_s, request.prompt
                        )
                    }
                    (None, _) => format!(
                        "\n── remarks are wanted for {} s: {} ──\n{HELP}",
                        request.deadline_s, request.prompt
                    ),
                    (Some(_), _) => String::new(),
                }
            }
            (EventBody::TurnCompleted(_) | EventBody::TurnFailed(_), Some(turn)) => {
                let is_own = self.asked.as_ref().is_some_and(|(asked, _)| asked == turn);
                if !is_own {
                    return String::new();
                }
                self.asked = None;
                match &event.body {
                    EventBody::TurnCompleted(said) if said.human => String::new(),
                    _ => "\n(your turn is over: it went on without you)\n".to_owned(),
                }
            }
            (
                EventBody::PollOpened {
                    choices, timeout_s, ..
                },
                _,
            ) => {
                self.poll.clone_from(&event.phase);
                let time = timeout_s.map_or_else(String::new, |s| format!(", {s} s"));
                format!("\n── poll{time}: {} ──\n{HELP}", choices.join(" | "))
            }
            (EventBody::PollClosed { .. }, _) => {
                self.poll = None;
                String::new()
            }
            _ => String::new(),
        }
    }

    /// Takes a line, and gives what to tell the debate.
    ///
    /// # Errors
    /// What to show when the line is nothing that can be told now; empty when it is only not the last.
    pub(super) fn line(&mut self, line: &str) -> Result<Command, String> {
        if let Some(rest) = line.strip_prefix("/vote ") {
            return self.vote(rest.trim());
        }
        if let Some(text) = line.strip_prefix("/say ") {
            return Ok(Command::Interject {
                text: text.trim().to_owned(),
                to: None,
                watches: false,
            });
        }
        let Some((turn, text)) = &mut self.asked else {
            return Err(match line.trim() {
                "" => String::new(),
                _ => format!("nobody asks you now:\n{HELP}"),
            });
        };
        if !line.trim().is_empty() {
            text.push_str(line);
            text.push('\n');
            return Err(String::new());
        }
        if text.trim().is_empty() {
            return Err("> ".to_owned());
        }
        // Kept until the turn is over: an answer that is refused can be written anew.
        Ok(Command::Speak {
            turn: turn.clone(),
            text: std::mem::take(text).trim().to_owned(),
        })
    }

    fn vote(&self, written: &str) -> Result<Command, String> {
        let Some(poll) = self.poll.clone() else {
            return Err("no poll is open\n".to_owned());
        };
        let sure = written.rsplit_once(' ');
        let sure = sure.and_then(|(choice, last)| Some((choice, last.parse::<u8>().ok()?)));
        let (choice, conviction) = match sure {
            Some((choice, conviction)) => (choice.trim(), Some(conviction)),
            None => (written, None),
        };
        Ok(Command::Vote {
            poll,
            choice: choice.to_owned(),
            conviction,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Draft;
    use crate::events::HumanRequested;
    use crate::types::DebateId;

    fn event(turn: Option<&str>, body: EventBody) -> Envelope {
        let draft = Draft {
            phase: Some("floor".to_owned()),
            round: Some(0),
            turn: turn.map(TurnId::new),
            body,
        };
        draft.into_envelope(DebateId::new("d"), 1, 0)
    }

    fn asked(agent: &str) -> Envelope {
        let request = HumanRequested {
            agent: Some(agent.to_owned()),
            identity: None,
            prompt: "State your case.".to_owned(),
            deadline_s: 60,
        };
        event(Some("t_1"), EventBody::HumanRequested(request))
    }

    #[test]
    fn an_answer_ends_with_an_empty_line_and_only_the_own_seat_answers() {
        let mut seat = Seat::of(Some("Ada".to_owned()));
        assert_eq!(seat.event(&asked("Boole")), "");
        assert!(seat.line("hello").is_err_and(|help| help.contains("/say")));
        assert!(seat.event(&asked("Ada")).contains("State your case."));
        assert_eq!(seat.line(""), Err("> ".to_owned()));
        assert_eq!(seat.line("First."), Err(String::new()));
        assert_eq!(seat.line("Second."), Err(String::new()));
        let said = Command::Speak {
            turn: TurnId::new("t_1"),
            text: "First.\nSecond.".to_owned(),
        };
        assert_eq!(seat.line(""), Ok(said));
    }

    #[test]
    fn votes_go_to_the_open_poll_with_how_sure_they_are() {
        let mut seat = Seat::of(None);
        assert!(seat.line("/vote pro").is_err());
        let opened = EventBody::PollOpened {
            choices: vec!["pro".to_owned(), "not sure".to_owned()],
            timeout_s: Some(30),
            hidden: true,
        };
        assert!(seat.event(&event(None, opened)).contains("pro | not sure"));
        let vote = |choice: &str, conviction| Command::Vote {
            poll: "floor".to_owned(),
            choice: choice.to_owned(),
            conviction,
        };
        assert_eq!(seat.line("/vote not sure 7"), Ok(vote("not sure", Some(7))));
        assert_eq!(seat.line("/vote pro"), Ok(vote("pro", None)));
    }
}
