//! The permission matrix: every door and every role.

use std::fmt::Write as _;

use serde::Serialize;

use super::action::Action;
use super::door::DOORS;
use super::role::Role;

/// A line of the matrix.
#[derive(Serialize)]
pub struct MatrixLine {
    /// The action.
    pub action: &'static str,
    /// The ways to it; none at the command line alone.
    pub doors: Vec<String>,
    /// Whether anyone may, without a credential.
    pub anyone: bool,
    /// Which roles may.
    pub roles: Vec<&'static str>,
    /// On what the processing rests.
    pub legal_basis: &'static str,
    /// Whether it is written to the audit log.
    pub logged: bool,
}

/// Returns all lines.
pub fn lines() -> Vec<MatrixLine> {
    let line = |&action: &Action| MatrixLine {
        action: action.name(),
        doors: DOORS
            .iter()
            .filter(|door| door.action == action)
            .map(|door| match door.method {
                "RPC" => door.path.trim_start_matches('/').to_owned(),
                method => format!("{method} {}", door.path),
            })
            .collect(),
        anyone: action.is_open(),
        roles: Role::ALL
            .iter()
            .filter(|&&role| action.may_be_done_by(role))
            .map(|role| role.name())
            .collect(),
        legal_basis: action.legal_basis().name(),
        logged: action.is_logged(),
    };
    Action::ALL.iter().map(line).collect()
}

/// Returns the matrix as a table of Markdown.
pub fn markdown() -> String {
    let mut text = String::from("| action | anyone |");
    for role in Role::ALL {
        write!(text, " {} |", role.name()).expect("a string takes it");
    }
    text.push_str(" basis | logged |\n|---|---|");
    text.push_str(&"---|".repeat(Role::ALL.len() + 2));
    text.push('\n');
    let mark = |may: bool| if may { "+" } else { "" };
    for action in Action::ALL {
        write!(text, "| `{}` | {} |", action.name(), mark(action.is_open()))
            .expect("a string takes it");
        for &role in Role::ALL {
            write!(text, " {} |", mark(action.may_be_done_by(role))).expect("a string takes it");
        }
        let basis = action.legal_basis().name();
        writeln!(text, " {basis} | {} |", mark(action.is_logged())).expect("a string takes it");
    }
    text.push_str("\n| action | ways |\n|---|---|\n");
    for line in lines() {
        let doors: Vec<String> = line.doors.iter().map(|door| format!("`{door}`")).collect();
        let doors = if doors.is_empty() { "the command line".into() } else { doors.join(", ") };
        writeln!(text, "| `{}` | {doors} |", line.action).expect("a string takes it");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn documented_matrix_is_the_one_that_is_enforced() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ACCESS.md");
        let page = std::fs::read_to_string(path).expect("a page");
        let (begin, end) = ("<!-- matrix -->\n", "<!-- end of the matrix -->");
        let (before, rest) = page.split_once(begin).expect("the matrix begins");
        let (_, after) = rest.split_once(end).expect("the matrix ends");
        let wanted = format!("{before}{begin}{}{end}{after}", super::markdown());
        if std::env::var_os("PRAMAN_WRITE_MATRIX").is_some() {
            std::fs::write(path, &wanted).expect("written");
        }
        let stands = std::fs::read_to_string(path).expect("a page");
        assert!(
            stands == wanted,
            "run this test with PRAMAN_WRITE_MATRIX=1 and look at the change"
        );
    }
}
