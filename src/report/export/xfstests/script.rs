//! The text of a test: lines, comments, and calls of xfs_io.

use std::fmt::Write as _;

use crate::wrap::wrap;

/// What a line says that a test prints where contents are wrong.
pub const WRONG: &str = "is not as expected";

/// Columns of a comment.
pub(super) const WIDTH: usize = 78;

#[derive(Default)]
pub(super) struct Script {
    pub(super) text: String,
}

impl Script {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn comment(&mut self, text: &str) {
        for line in wrap(text, WIDTH, 0) {
            let _ = writeln!(self.text, "# {}", line.trim_end());
        }
    }

    /// One xfs_io, with a command on each line. `errors` is where what it complains of goes.
    pub(super) fn xfs_io(
        &mut self,
        indent: &str,
        direct: &str,
        commands: &[String],
        file: &str,
        errors: &str,
    ) {
        if commands.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "{indent}$XFS_IO_PROG {direct}\\");
        for command in commands {
            let _ = writeln!(self.text, "{indent}\t-c \"{command}\" \\");
        }
        let _ = writeln!(self.text, "{indent}\t{file} >> $seqres.full{errors}");
    }
}
