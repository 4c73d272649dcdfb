//! What the operator types while attached: input for the program, or a command behind the prefix. Pure.

/// The prefix: Ctrl-], as telnet has it. Twice, it is itself.
pub(crate) const PREFIX: u8 = 0x1d;

/// A command behind the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `d`: leave.
    Detach,
    /// `t`: take the lease, to type.
    Take,
    /// `s`: take it from whoever has it; a reason is asked for.
    Steal,
    /// `r`: hand it back; a note is asked for.
    Release,
    /// Anything else: say what there is.
    Help,
}

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// For the program.
    Input(Vec<u8>),
    /// For this one.
    Command(Command),
}

/// Tells them apart, also where a read ends between the prefix and its command.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    prefixed: bool,
}

impl Keys {
    /// Takes what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Typed> {
        let mut all = vec![];
        let mut input = vec![];
        for &byte in bytes {
            let prefixed = std::mem::take(&mut self.prefixed);
            let command = match (prefixed, byte) {
                (false, PREFIX) => {
                    self.prefixed = true;
                    continue;
                }
                (true, PREFIX) | (false, _) => {
                    input.push(byte);
                    continue;
                }
                (true, b'd') => Command::Detach,
                (true, b't') => Command::Take,
                (true, b's') => Command::Steal,
                (true, b'r') => Command::Release,
                (true, _) => Command::Help,
            };
            if !input.is_empty() {
                all.push(Typed::Input(std::mem::take(&mut input)));
            }
            all.push(Typed::Command(command));
        }
        if !input.is_empty() {
            all.push(Typed::Input(input));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Typed::{Command as Cmd, Input};

    #[track_caller]
    fn check(reads: &[&[u8]], expect: &[Typed]) {
        let mut keys = Keys::default();
        let all: Vec<Typed> = reads.iter().flat_map(|bytes| keys.push(bytes)).collect();
        assert_eq!(all, expect);
    }

    #[test]
    fn the_prefix_makes_the_next_key_a_command_wherever_a_read_ends() {
        check(&[b"ls\r"], &[Input(b"ls\r".to_vec())]);
        check(&[b"a\x1ddb"], &[Input(b"a".into()), Cmd(Command::Detach), Input(b"b".into())]);
        check(&[b"a\x1d", b"t"], &[Input(b"a".into()), Cmd(Command::Take)]);
        check(&[b"\x1d\x1d"], &[Input(vec![PREFIX])]);
        check(&[b"\x1dq"], &[Cmd(Command::Help)]);
    }
}
